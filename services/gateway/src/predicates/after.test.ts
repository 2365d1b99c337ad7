import { expect, test } from 'vitest';
import { after } from './after.ts';
import { faultsIn, matches } from './testing.ts';

const at = (instant: string) =>
  matches(after, '2026-12-01T00:00:00Z', {}, { clock: () => Temporal.Instant.from(instant) });

test('the instant itself is included', () => {
  expect(at('2026-11-30T23:59:59.999Z')).toBe(false);
  expect(at('2026-12-01T00:00:00Z')).toBe(true);
  expect(at('2027-01-01T00:00:00Z')).toBe(true);
});

test('a time that could be anywhere is refused', () => {
  expect(faultsIn(after, '2026-12-01T00:00:00')).toEqual(['must be a valid date-time']);
});
