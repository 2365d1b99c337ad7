import { describe, expect, it } from 'vitest';
import { clockStretches, instantsOf } from './wall-clock.ts';

const at = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
/** Returns a time of the wall clock, in local milliseconds. */
const shown = (local: string): number => at(`${local}Z`);
const iso = (millis: number): string => Temporal.Instant.fromEpochMilliseconds(millis).toString();

/** Returns the instants at which the clock of the zone shows the local time, on the days around it. */
function instants(timeZone: string, from: string, to: string): string[] {
  const range = { start: shown(from) - 86_400_000, end: shown(to) + 86_400_000 };
  const local = { start: shown(from), end: shown(to) };
  return instantsOf(local, clockStretches(timeZone, range)).map(({ start, end }) => `${iso(start)}/${iso(end)}`);
}

describe('a local time', () => {
  it('is one instant on a normal day', () => {
    expect(instants('America/New_York', '2026-01-05T09:00:00', '2026-01-05T12:00:00')).toEqual([
      '2026-01-05T14:00:00Z/2026-01-05T17:00:00Z',
    ]);
  });

  it.each([
    ['America/New_York', '2026-03-08T02:00:00', '2026-03-08T03:00:00'],
    ['Europe/Lisbon', '2026-03-29T01:00:00', '2026-03-29T02:00:00'],
    ['Australia/Lord_Howe', '2026-10-04T02:00:00', '2026-10-04T02:30:00'],
    ['Africa/Casablanca', '2026-03-22T02:00:00', '2026-03-22T03:00:00'],
    ['Pacific/Apia', '2011-12-30T00:00:00', '2011-12-31T00:00:00'],
  ])('that a clock change in %s skips does not exist', (timeZone, from, to) => {
    expect(instants(timeZone, from, to)).toEqual([]);
  });

  it.each([
    ['America/New_York', '2026-11-01T01:00:00', '2026-11-01T02:00:00', '2026-11-01T05:00:00Z/2026-11-01T06:00:00Z'],
    ['Europe/Lisbon', '2026-10-25T01:00:00', '2026-10-25T02:00:00', '2026-10-25T00:00:00Z/2026-10-25T01:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-05T01:30:00', '2026-04-05T02:00:00', '2026-04-04T14:30:00Z/2026-04-04T15:00:00Z'],
    ['Africa/Casablanca', '2026-02-15T02:00:00', '2026-02-15T03:00:00', '2026-02-15T01:00:00Z/2026-02-15T02:00:00Z'],
    // The date line moved, so this whole day came twice.
    ['Pacific/Kwajalein', '1969-09-30T12:00:00', '1969-09-30T13:00:00', '1969-09-30T01:00:00Z/1969-09-30T02:00:00Z'],
  ])('that a clock change in %s repeats is its first occurrence', (timeZone, from, to, expected) => {
    expect(instants(timeZone, from, to)).toEqual([expected]);
  });

  it('around a skipped hour is what is left of it', () => {
    expect(instants('America/New_York', '2026-03-08T01:00:00', '2026-03-08T04:00:00')).toEqual([
      '2026-03-08T06:00:00Z/2026-03-08T07:00:00Z',
      '2026-03-08T07:00:00Z/2026-03-08T08:00:00Z',
    ]);
  });

  it('around a repeated hour leaves the second occurrence out', () => {
    expect(instants('America/New_York', '2026-11-01T00:00:00', '2026-11-01T03:00:00')).toEqual([
      '2026-11-01T04:00:00Z/2026-11-01T06:00:00Z',
      '2026-11-01T07:00:00Z/2026-11-01T08:00:00Z',
    ]);
  });
});

describe('the stretches of a clock', () => {
  it('show no local time twice and keep the order', () => {
    for (const timeZone of Intl.supportedValuesOf('timeZone')) {
      const range = { start: at('2026-01-01T00:00:00Z'), end: at('2028-01-01T00:00:00Z') };
      const stretches = clockStretches(timeZone, range);
      for (const [index, { localStart, localEnd }] of stretches.entries()) {
        expect(localStart).toBeLessThan(localEnd);
        expect(localStart).toBeGreaterThanOrEqual(stretches[index - 1]?.localEnd ?? Number.NEGATIVE_INFINITY);
      }
    }
  });

  it('are the same near a change, wherever the range begins', () => {
    // The range begins within the repeated hour, which the clock has already shown once.
    const range = { start: at('2026-11-01T06:30:00Z'), end: at('2026-11-01T06:45:00Z') };
    const local = { start: shown('2026-11-01T01:00:00'), end: shown('2026-11-01T02:00:00') };
    const [only, ...others] = instantsOf(local, clockStretches('America/New_York', range));
    expect(others).toEqual([]);
    expect(only).toEqual({ start: at('2026-11-01T05:00:00Z'), end: at('2026-11-01T06:00:00Z') });
  });
});
