import { expect, test } from 'vitest';
import { between } from './between.ts';
import { faultsIn, matches } from './testing.ts';

const CLOSED = { from: '2026-12-24T18:00:00Z', to: '2026-12-27T06:00:00+01:00' };
const at = (instant: string) => matches(between, CLOSED, {}, { clock: () => Temporal.Instant.from(instant) });

test('the first instant is included, the last is not', () => {
  expect(at('2026-12-24T17:59:59Z')).toBe(false);
  expect(at('2026-12-24T18:00:00Z')).toBe(true);
  expect(at('2026-12-27T04:59:59Z')).toBe(true);
  expect(at('2026-12-27T05:00:00Z')).toBe(false);
});

test('a time that ends before it begins is refused', () => {
  expect(faultsIn(between, { from: CLOSED.to, to: CLOSED.from })).toEqual(['/to must come after `from`']);
});
