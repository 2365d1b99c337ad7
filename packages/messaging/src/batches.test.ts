import { describe, expect, it } from 'vitest';
import { createBatches } from './batches.ts';

/** Notes the batches; those with a word in `fail` fail. */
function batchesOf(most: number, fail: ReadonlySet<string> = new Set()) {
  const batches: string[][] = [];
  const alone: string[] = [];
  const add = createBatches<string>(
    {
      async together(items) {
        batches.push([...items]);
        await Promise.resolve();
        if (items.some((item) => fail.has(item))) throw new Error('one of them');
      },
      async alone(item, first) {
        alone.push(item);
        await first;
        if (fail.has(item)) throw new Error(item);
      },
    },
    most,
  );
  return { add, batches, alone };
}

describe('batches', () => {
  it('are of what comes in one turn, in its order, and no larger than they may be', async () => {
    const { add, batches } = batchesOf(3);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(add));
    await add('f');
    expect(batches).toEqual([['a', 'b', 'c'], ['d', 'e'], ['f']]);
  });

  it('are of what came while the one before was worked on', async () => {
    const { add, batches } = batchesOf(3);
    const later = add('a').then(() => add('d'));
    await new Promise(setImmediate);
    await Promise.all([add('b'), add('c'), later]);
    expect(batches.flat().toSorted()).toEqual(['a', 'b', 'c', 'd']);
    expect(batches[0]).toEqual(['a']);
  });

  it('that fail are done one by one: each hears of its own failure', async () => {
    const { add, batches, alone } = batchesOf(3, new Set(['b']));
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map(add));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect([batches, alone]).toEqual([
      [['a', 'b', 'c'], ['d']],
      ['a', 'b', 'c'],
    ]);
  });

  it('of one that fails are told how', async () => {
    const { add } = batchesOf(3, new Set(['a']));
    await expect(add('a')).rejects.toThrow('one of them');
    await expect(add('b')).resolves.toBeUndefined();
  });
});
