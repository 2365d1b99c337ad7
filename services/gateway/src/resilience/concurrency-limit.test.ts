import { describe, expect, test } from 'vitest';
import { ConcurrencyLimit, type ConcurrencyLimitOptions } from './concurrency-limit.ts';

interface Service {
  /** The number of requests that it handles concurrently. */
  readonly slots: number;
  readonly millis: number;
}

/** Simulates a service behind a limit in computed time, with a rate of requests and a duration. */
function simulate(service: () => Service, options: Omit<ConcurrencyLimitOptions, 'now'> = {}) {
  const clock = { now: 0 };
  const limit = new ConcurrencyLimit({ ...options, now: () => clock.now });
  const waiting: number[] = [];
  let working: { since: number; until: number }[] = [];
  let due = 0;
  return {
    limit,
    run(perSecond: number, seconds: number) {
      const counts = { completed: 0, refused: 0, slowest: 0 };
      for (const end = clock.now + seconds * 1_000; clock.now < end; clock.now += 1) {
        for (due += perSecond / 1_000; due >= 1; due -= 1) {
          if (limit.tryAcquire()) waiting.push(clock.now);
          else counts.refused += 1;
        }
        for (const { since } of working.filter(({ until }) => until <= clock.now)) {
          limit.recordLatency(clock.now - since);
          limit.release();
          counts.completed += 1;
          counts.slowest = Math.max(counts.slowest, clock.now - since);
        }
        working = working.filter(({ until }) => until > clock.now);
        const { slots, millis } = service();
        while (working.length < slots && waiting.length > 0) {
          working.push({ since: waiting.shift() ?? 0, until: clock.now + millis });
        }
      }
      return counts;
    },
  };
}

/** Its capacity is 2,000 requests per second. */
const SMALL: Service = { slots: 20, millis: 10 };

describe('a service with a load of', () => {
  test('no more than it can carry gets all of it', () => {
    const { run } = simulate(() => SMALL);
    expect(run(1_800, 20)).toMatchObject({ refused: 0 });
  });

  test('three times what it can carry does all that it can, and no request waits long', () => {
    const { run } = simulate(() => SMALL);
    run(1_000, 5);
    // This may be a temporary burst.
    run(6_000, 6);
    const { completed, slowest } = run(6_000, 60);
    expect(completed / 60).toBeGreaterThan(0.95 * 2_000);
    expect(slowest).toBeLessThan(250);
  });

  test('three times what it can carry from the first moment on does not get ever more', () => {
    const { run } = simulate(() => SMALL);
    run(6_000, 60);
    const { completed, slowest } = run(6_000, 60);
    expect(completed / 60).toBeGreaterThan(0.95 * 2_000);
    expect(slowest).toBeLessThan(1_000);
  });

  test('as much as before gets all of it again when the rush is over', () => {
    const { run } = simulate(() => SMALL);
    run(1_000, 5);
    run(6_000, 20);
    run(1_800, 2);
    expect(run(1_800, 20)).toMatchObject({ refused: 0 });
  });
});

describe('a service at rest', () => {
  test('gets all of a thousand simultaneous requests, again and again', () => {
    const { run } = simulate(() => ({ slots: 1, millis: 2 }));
    for (let rush = 0; rush < 3; rush += 1) {
      expect(run(50_000, 0.02)).toMatchObject({ refused: 0 });
      const { slowest } = run(0, 3);
      expect(slowest).toBeGreaterThan(1_000);
    }
  });

  test('that can do little does not get more than it does in a few seconds', () => {
    const { run } = simulate(() => ({ slots: 1, millis: 10 }));
    run(50, 5);
    const { slowest } = run(300, 60);
    expect(slowest).toBeLessThan(8_000);
    const { completed, slowest: later } = run(300, 60);
    expect(completed / 60).toBeGreaterThan(0.95 * 100);
    expect(later).toBeLessThan(2_000);
  });
});

describe('a service that becomes', () => {
  test('slower for all requests is given what it can carry then', () => {
    let service = SMALL;
    const { run } = simulate(() => service);
    run(1_000, 10);
    // As many concurrent requests, but ten times as long: 200 per second.
    service = { slots: 20, millis: 100 };
    run(300, 10);
    const { completed } = run(300, 20);
    expect(completed / 20).toBeGreaterThan(0.95 * 200);
  });

  test('slower, with room for many, is given that room after a while', () => {
    let service: Service = { slots: 10_000, millis: 10 };
    const { run, limit } = simulate(() => service);
    run(1_000, 10);
    service = { slots: 10_000, millis: 300 };
    expect(run(1_000, 60).refused).toBeLessThan(1_000);
    expect(limit.limit).toBeGreaterThan(300);
    expect(run(1_000, 10)).toMatchObject({ refused: 0 });
  });
});

test('the limit stays within its bounds', () => {
  const { run, limit } = simulate(() => ({ slots: 100_000, millis: 1 }), {
    initialLimit: 10,
    minLimit: 10,
    maxLimit: 50,
  });
  run(20_000, 5);
  expect(limit.limit).toBe(50);
  const { run: rush, limit: tight } = simulate(() => ({ slots: 1, millis: 100 }), {
    initialLimit: 10,
    minLimit: 10,
    maxLimit: 50,
  });
  rush(1_000, 60);
  expect(tight.limit).toBeLessThanOrEqual(50);
  expect(tight.limit).toBeGreaterThanOrEqual(10);
});
