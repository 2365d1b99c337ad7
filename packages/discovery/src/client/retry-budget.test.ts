import { describe, expect, it } from 'vitest';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';

function retriesOf(budget: RetryBudget, wanted: number): number {
  return Array.from({ length: wanted }, () => budget.tryRetry()).filter((allowed) => allowed).length;
}

describe('the retry budget', () => {
  it('allows a fifth of the requests', () => {
    const budget = createRetryBudget({ now: () => 0 });
    for (let i = 0; i < 1000; i += 1) budget.countRequest();
    expect(retriesOf(budget, 1000)).toBe(200);
  });

  it('allows a few when there is little traffic', () => {
    expect(retriesOf(createRetryBudget({ now: () => 0, floor: 3 }), 10)).toBe(3);
  });

  it('forgets what is older than its window', () => {
    let now = 0;
    const budget = createRetryBudget({ now: () => now, floor: 3 });
    expect(retriesOf(budget, 10)).toBe(3);
    now = 9_999;
    expect(retriesOf(budget, 10)).toBe(0);
    now = 10_000;
    expect(retriesOf(budget, 10)).toBe(3);
  });
});
