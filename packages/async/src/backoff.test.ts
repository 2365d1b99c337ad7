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
  for (let round = 0; round < 100; round += 1) {
    const pause = backoffMillis(failures, range);
    expect(pause).toBeGreaterThanOrEqual(least);
    expect(pause).toBeLessThanOrEqual(most);
  }
});
