import { expect, it } from 'vitest';
import { backoffMillis } from './backoff.ts';

const range = { firstMillis: 100, longestMillis: 5_000 };

it.each([
  [1, 50, 100],
  [2, 100, 200],
  [6, 1_600, 3_200],
  [7, 2_500, 5_000],
  [10_000, 2_500, 5_000],
])('pause after %i failures is between %i and %i ms', (failures, least, most) => {
  expect(backoffMillis(failures, range, () => 0)).toBe(least);
  expect(backoffMillis(failures, range, () => 1)).toBe(most);
  for (let round = 0; round < 100; round += 1) {
    const pause = backoffMillis(failures, range);
    expect(pause).toBeGreaterThanOrEqual(least);
    expect(pause).toBeLessThanOrEqual(most);
  }
});

it.each([
  [0, 0],
  [0.25, 50],
  [1, 200],
])('pause with a least share of %d is at least %i of 200 ms', (leastShare, least) => {
  expect(backoffMillis(2, { ...range, leastShare }, () => 0)).toBe(least);
  expect(backoffMillis(2, { ...range, leastShare }, () => 1)).toBe(200);
});
