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
  it('have the items of one turn of the event loop, in their order, and are no larger than they may be', async () => {
    const { add, batches } = createRecordingBatcher(3);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(add));
    await add('f');
    expect(batches).toEqual([['a', 'b', 'c'], ['d', 'e'], ['f']]);
  });

  it('have the items that came while the batch before ran', async () => {
    const { add, batches } = createRecordingBatcher(3);
    const later = add('a').then(() => add('d'));
    await new Promise(setImmediate);
    await Promise.all([add('b'), add('c'), later]);
    expect(batches.flat().toSorted()).toEqual(['a', 'b', 'c', 'd']);
    expect(batches[0]).toEqual(['a']);
  });

  it('that fail run item by item, and each caller gets its own failure', async () => {
    const { add, batches, single } = createRecordingBatcher(3, new Set(['b']));
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map(add));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect([batches, single]).toEqual([
      [['a', 'b', 'c'], ['d']],
      ['a', 'b', 'c'],
    ]);
  });

  it('of one item that fails reject with its failure', async () => {
    const { add } = createRecordingBatcher(3, new Set(['a']));
    await expect(add('a')).rejects.toThrow('one of them');
    await expect(add('b')).resolves.toBeUndefined();
  });
});
