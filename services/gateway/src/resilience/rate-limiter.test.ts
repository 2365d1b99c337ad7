import { expect, test } from 'vitest';
import { createRateLimiter } from './rate-limiter.ts';

function limiter(perSecond: number, burst: number, maxBuckets?: number) {
  let now = 0;
  const limiter = createRateLimiter({ perSecond, burst }, { ...(maxBuckets && { maxBuckets }), now: () => now });
  return {
    limiter,
    take: (key = 'a') => limiter.take(key),
    wait: (millis: number) => {
      now += millis;
    },
  };
}

test('a full bucket gives its burst at once, then one token at a time as they come back', () => {
  const { take, wait } = limiter(10, 3);
  expect([take(), take(), take(), take()].map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
  wait(99);
  expect(take().allowed).toBe(false);
  wait(1);
  expect(take().allowed).toBe(true);
  expect(take().allowed).toBe(false);
});

test('a bucket never holds more than its burst', () => {
  const { take, wait } = limiter(10, 2);
  take();
  wait(3_600_000);
  expect([take(), take(), take()].map(({ allowed }) => allowed)).toEqual([true, true, false]);
});

test('a refusal takes no token, and returns the wait in whole seconds', () => {
  const { take, wait } = limiter(0.1, 1);
  expect(take()).toEqual({ allowed: true, remaining: 0, retryAfterSeconds: 0, resetSeconds: 10 });
  for (let count = 0; count < 9; count += 1) {
    expect(take()).toMatchObject({ allowed: false, retryAfterSeconds: 10 - count });
    wait(1_000);
  }
  wait(1_000);
  expect(take().allowed).toBe(true);
});

test('there are never more buckets than may be: the one used longest ago goes', () => {
  const { limiter: all, take } = limiter(0.001, 2, 3);
  for (const key of ['a', 'b', 'c', 'a', 'd', 'e']) take(key);
  expect(all.size).toBe(3);
  expect(take('a').allowed).toBe(false);
  expect(take('b').remaining).toBe(1);
});

test('buckets that are full again are dropped by themselves', () => {
  const { limiter: all, take, wait } = limiter(1, 1, 1_000);
  for (let client = 0; client < 100; client += 1) take(`client ${client}`);
  expect(all.size).toBe(100);
  wait(60_000);
  for (let client = 0; client < 100; client += 1) take(`other ${client}`);
  expect(all.size).toBe(100);
});
