import { describe, expect, it } from 'vitest';
import { forEachConcurrently, mapConcurrently } from './concurrently.ts';

async function* numbersTo(end: number, onReturn: () => void = () => undefined) {
  try {
    for (let number = 0; number < end; number += 1) yield number;
  } finally {
    onReturn();
  }
}

/** Creates work that records the items and the most concurrent ones. */
function createGauge() {
  const gauge = {
    seen: [] as number[],
    running: 0,
    most: 0,
    async work(item: number) {
      gauge.seen.push(item);
      gauge.running += 1;
      gauge.most = Math.max(gauge.most, gauge.running);
      await new Promise(setImmediate);
      gauge.running -= 1;
    },
  };
  return gauge;
}

describe('work on each item', () => {
  it.each([
    ['an iterable', Array(20).keys()],
    ['an async iterable', numbersTo(20)],
  ])('of %s runs once, with as many at a time as the limit', async (_, items) => {
    const gauge = createGauge();
    await forEachConcurrently(3, items, gauge.work);
    expect(gauge.seen).toEqual([...Array(20).keys()]);
    expect(gauge.most).toBe(3);
  });

  it('starts no more after a failure, ends what runs, and closes the items', async () => {
    const gauge = createGauge();
    let closed = false;
    const items = numbersTo(1_000, () => {
      closed = true;
    });
    const run = forEachConcurrently(2, items, async (item) => {
      await gauge.work(item);
      if (item === 3) throw new Error('broken');
    });
    await expect(run).rejects.toThrow('broken');
    expect(gauge.seen.length).toBeLessThanOrEqual(6);
    expect(gauge.running).toBe(0);
    expect(closed).toBe(true);
  });
});

it('results are in the order of the items, whichever ends first', async () => {
  const ends = Array.from({ length: 3 }, () => Promise.withResolvers<string>());
  const mapping = mapConcurrently(3, ['a', 'b', 'c'], async (item, index) => `${item} ${await ends[index]?.promise}`);
  for (const index of [2, 0, 1]) ends[index]?.resolve(String(index));
  expect(await mapping).toEqual(['a 0', 'b 1', 'c 2']);
});
