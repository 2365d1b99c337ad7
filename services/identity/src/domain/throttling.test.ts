import { expect, it } from 'vitest';
import { PAIR, pauseMillisAfter } from './throttling.ts';

it('a pause begins after the free failures, doubles, and has a longest one', () => {
  expect([0, 1, 2, 3, 4, 5].map((failures) => pauseMillisAfter(failures, PAIR))).toEqual([
    0, 0, 0, 2_000, 4_000, 8_000,
  ]);
  expect(pauseMillisAfter(12, PAIR)).toBe(15 * 60_000);
  expect(pauseMillisAfter(10_000, PAIR)).toBe(15 * 60_000);
});
