import fc from 'fast-check';
import { expect, it } from 'vitest';
import { instantFromMillis, instantToMillis, isoFromMillis } from './instant.ts';

it('shows an instant in UTC, with three digits of milliseconds', () => {
  expect(isoFromMillis(1_795_442_400_000)).toBe('2026-11-23T14:00:00.000Z');
  expect(isoFromMillis(1_795_442_400_120)).toBe('2026-11-23T14:00:00.120Z');
});

it('keeps every instant of whole milliseconds on its way through the database', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (millis) => {
      expect(instantToMillis(instantFromMillis(millis))).toBe(millis);
      expect(Temporal.Instant.from(isoFromMillis(millis)).epochMilliseconds).toBe(millis);
    }),
  );
});
