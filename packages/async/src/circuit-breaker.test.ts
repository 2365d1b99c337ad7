import { describe, expect, it, vi } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';

const createBreaker = () =>
  new CircuitBreaker({
    consecutiveFailures: 3,
    openFor: { firstMillis: 1_000, longestMillis: 3_000, leastShare: 1 },
  });

/** Creates a breaker that opened at 0. */
function createOpenBreaker(): CircuitBreaker {
  const breaker = createBreaker();
  breaker.recordFailure(0, { isFatal: true });
  return breaker;
}

describe('a closed breaker', () => {
  it('opens after consecutive failures', () => {
    const breaker = createBreaker();
    expect(breaker.recordFailure(0)).toBeUndefined();
    expect(breaker.recordFailure(0)).toBeUndefined();
    expect([breaker.isOpen, breaker.admits(0)]).toEqual([false, true]);
    expect(breaker.recordFailure(0)).toBe(1_000);
    expect([breaker.isOpen, breaker.admits(0)]).toEqual([true, false]);
  });

  it('counts again after a success', () => {
    const breaker = createBreaker();
    for (const _ of [1, 2]) breaker.recordFailure(0);
    breaker.recordSuccess();
    for (const _ of [1, 2]) breaker.recordFailure(0);
    expect(breaker.isOpen).toBe(false);
  });

  it('does not count an attempt that ends without a result', () => {
    const breaker = createBreaker();
    for (const _ of [1, 2]) breaker.recordFailure(0);
    breaker.recordAttempt();
    breaker.recordEnd();
    expect(breaker.isOpen).toBe(false);
    breaker.recordFailure(0);
    expect(breaker.isOpen).toBe(true);
  });

  it('opens immediately after a fatal failure', () => {
    expect(createBreaker().recordFailure(0, { isFatal: true })).toBe(1_000);
  });

  it('stays closed where it may not open, and checks that only when it would open', () => {
    const breaker = createBreaker();
    const mayOpen = vi.fn(() => false);
    for (const _ of [1, 2]) breaker.recordFailure(0, { mayOpen });
    expect(mayOpen).not.toHaveBeenCalled();
    expect(breaker.recordFailure(0, { mayOpen })).toBeUndefined();
    expect(breaker.isOpen).toBe(false);
    expect(breaker.recordFailure(0)).toBe(1_000);
  });
});

describe('an open breaker', () => {
  it('admits one trial after its pause', () => {
    const breaker = createOpenBreaker();
    expect(breaker.admits(999)).toBe(false);
    expect(breaker.admits(1_000)).toBe(true);
    breaker.recordAttempt();
    expect(breaker.admits(1_000)).toBe(false);
  });

  it('closes after a success', () => {
    const breaker = createOpenBreaker();
    breaker.recordAttempt();
    breaker.recordSuccess();
    expect([breaker.isOpen, breaker.admits(0)]).toEqual([false, true]);
  });

  it('admits another trial when the first ends without a result', () => {
    const breaker = createOpenBreaker();
    breaker.recordAttempt();
    breaker.recordEnd();
    expect(breaker.admits(1_000)).toBe(true);
  });

  it('opens for longer after each failed trial, up to its longest pause', () => {
    const breaker = createOpenBreaker();
    const fail = (now: number) => {
      breaker.recordAttempt();
      return breaker.recordFailure(now, { mayOpen: () => false });
    };
    expect([fail(1_000), fail(3_000), fail(6_000)]).toEqual([2_000, 3_000, 3_000]);
    expect([breaker.admits(8_999), breaker.admits(9_000)]).toEqual([false, true]);
    breaker.recordSuccess();
    expect(breaker.recordFailure(0, { isFatal: true })).toBe(1_000);
  });

  it('ignores failures of attempts that were pending when it opened', () => {
    const breaker = createOpenBreaker();
    for (let count = 0; count < 10; count += 1) expect(breaker.recordFailure(500)).toBeUndefined();
    expect(breaker.admits(1_000)).toBe(true);
  });
});
