import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createKeyedQueue, createLimiter, forEachConcurrently } from './concurrency.ts';

async function* numbersTo(end: number, onReturn: () => void = () => undefined) {
  try {
    for (let number = 0; number < end; number += 1) yield number;
  } finally {
    onReturn();
  }
}

/** Returns a gauge of the most concurrent tasks. */
function createGauge() {
  let running = 0;
  const gauge = {
    most: 0,
    async work() {
      running += 1;
      gauge.most = Math.max(gauge.most, running);
      await sleep(1);
      running -= 1;
    },
  };
  return gauge;
}

describe('for each at most', () => {
  test('every item is worked on once, no more than the limit at a time', async () => {
    const gauge = createGauge();
    const seen: number[] = [];
    await forEachConcurrently(3, numbersTo(20), async (number) => {
      seen.push(number);
      await gauge.work();
    });
    expect(seen).toEqual([...Array(20).keys()]);
    expect(gauge.most).toBe(3);
  });

  test('a failure ends it, begins nothing else and closes the source', async () => {
    const seen: number[] = [];
    let closed = false;
    const source = numbersTo(1000, () => {
      closed = true;
    });
    const run = forEachConcurrently(2, source, async (number) => {
      seen.push(number);
      await sleep(1);
      if (number === 3) throw new Error('broken');
    });
    await expect(run).rejects.toThrow('broken');
    expect(seen.length).toBeLessThanOrEqual(6);
    expect(closed).toBe(true);
  });
});

describe('a limiter', () => {
  test('runs no more than its limit at once, and all in the end, failures too', async () => {
    const limited = createLimiter(2);
    const gauge = createGauge();
    const works = Array.from({ length: 10 }, (_, index) =>
      limited(async () => {
        await gauge.work();
        if (index % 3 === 0) throw new Error('no');
        return index;
      }),
    );
    const ends = await Promise.allSettled(works);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
    expect(gauge.most).toBe(2);
    expect(await limited(async () => 'free again')).toBe('free again');
  });
});

describe('a keyed queue', () => {
  test('runs work that shares a key in the order in which it came; other work does not wait', async () => {
    const enqueue = createKeyedQueue();
    const order: string[] = [];
    const work = (name: string, millis: number) => async () => {
      await sleep(millis);
      order.push(name);
    };
    await Promise.all([
      enqueue(['a', 'x'], work('first', 20)),
      enqueue(['b', 'x'], work('second', 1)),
      enqueue(['b', 'y'], work('third', 1)),
      enqueue(['c', 'z'], work('alone', 1)),
    ]);
    expect(order).toEqual(['alone', 'first', 'second', 'third']);
  });

  test('rejects the caller of a failure, and runs the work after it', async () => {
    const enqueue = createKeyedQueue();
    const failing = enqueue(['a'], () => Promise.reject(new Error('broken')));
    const next = enqueue(['a'], async () => 'ran');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('ran');
  });
});
