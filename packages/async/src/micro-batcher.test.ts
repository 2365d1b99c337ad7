import { describe, expect, it } from 'vitest';
import { createMicroBatcher } from './micro-batcher.ts';

/** Records the batches. Batches with a word in `fail` fail. */
function createRecordingBatcher(most: number, fail: ReadonlySet<string> = new Set()) {
  const batches: string[][] = [];
  const single: string[] = [];
  const add = createMicroBatcher<string>(
    {
      async processBatch(items) {
        batches.push([...items]);
        await Promise.resolve();
        if (items.some((item) => fail.has(item))) throw new Error('one of them');
      },
      async processOne(item, first) {
        single.push(item);
        await first;
        if (fail.has(item)) throw new Error(item);
      },
    },
    most,
  );
  return { add, batches, single };
}

describe('batches', () => {
  it('are of what comes in one turn, in its order, and no larger than they may be', async () => {
    const { add, batches } = createRecordingBatcher(3);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(add));
    await add('f');
    expect(batches).toEqual([['a', 'b', 'c'], ['d', 'e'], ['f']]);
  });

  it('are of what came while the one before was worked on', async () => {
    const { add, batches } = createRecordingBatcher(3);
    const later = add('a').then(() => add('d'));
    await new Promise(setImmediate);
    await Promise.all([add('b'), add('c'), later]);
    expect(batches.flat().toSorted()).toEqual(['a', 'b', 'c', 'd']);
    expect(batches[0]).toEqual(['a']);
  });

  it('that fail are done one by one: each hears of its own failure', async () => {
    const { add, batches, single } = createRecordingBatcher(3, new Set(['b']));
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map(add));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect([batches, single]).toEqual([
      [['a', 'b', 'c'], ['d']],
      ['a', 'b', 'c'],
    ]);
  });

  it('of one that fails are told how', async () => {
    const { add } = createRecordingBatcher(3, new Set(['a']));
    await expect(add('a')).rejects.toThrow('one of them');
    await expect(add('b')).resolves.toBeUndefined();
  });
});
