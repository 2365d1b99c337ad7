import { DAYS, type ExceptionKind, type Hours } from '@daybook/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hours } from '../testing.ts';
import { type ExceptionInterval, openIntervals } from './availability.ts';
import { clocksOver } from './wall-clock.ts';

const MINUTE = 60_000;
const at = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const iso = (millis: number): string => Temporal.Instant.fromEpochMilliseconds(millis).toString();

const exception = (kind: ExceptionKind) => (interval: string) => {
  const [start = '', end = ''] = interval.split('/');
  return { kind, start: at(start), end: at(end) };
};
const off = exception('time-off');
const extra = exception('extra-hours');

function open(timeZone: string, weeklyHours: Hours[], exceptions: ExceptionInterval[], range: string): string[] {
  const [from = '', to = ''] = range.split('/');
  return openIntervals([{ timeZone, weeklyHours }], exceptions, clocksOver({ start: at(from), end: at(to) })).map(
    ({ start, end }) => `${iso(start)}/${iso(end)}`,
  );
}

const monday = [hours('monday', '09:00', '17:00')];
const WEEK = '2026-01-05T00:00:00Z/2026-01-12T00:00:00Z';

describe('leave', () => {
  it('in the middle of a day splits it', () => {
    expect(open('UTC', monday, [off('2026-01-05T12:00:00Z/2026-01-05T13:30:00Z')], WEEK)).toEqual([
      '2026-01-05T09:00:00Z/2026-01-05T12:00:00Z',
      '2026-01-05T13:30:00Z/2026-01-05T17:00:00Z',
    ]);
  });

  it('of a whole day closes it', () => {
    expect(open('UTC', monday, [off('2026-01-05T00:00:00Z/2026-01-06T00:00:00Z')], WEEK)).toEqual([]);
  });

  it('across midnight takes from both days', () => {
    const nights = [hours('monday', '20:00', '24:00'), hours('tuesday', '00:00', '04:00')];
    expect(open('UTC', nights, [off('2026-01-05T23:00:00Z/2026-01-06T01:00:00Z')], WEEK)).toEqual([
      '2026-01-05T20:00:00Z/2026-01-05T23:00:00Z',
      '2026-01-06T01:00:00Z/2026-01-06T04:00:00Z',
    ]);
  });

  it('across a clock change is as long as between its instants', () => {
    // Sunday 8 March: the wall clock skips from 02:00 to 03:00 at 07:00 UTC.
    const sundays = [hours('sunday', '00:00', '06:00')];
    const range = '2026-03-07T12:00:00Z/2026-03-09T00:00:00Z';
    expect(open('America/New_York', sundays, [off('2026-03-08T06:30:00Z/2026-03-08T07:30:00Z')], range)).toEqual([
      '2026-03-08T05:00:00Z/2026-03-08T06:30:00Z',
      '2026-03-08T07:30:00Z/2026-03-08T10:00:00Z',
    ]);
  });

  it('wins over extra hours, whichever comes first', () => {
    const both = [off('2026-01-10T10:00:00Z/2026-01-10T11:00:00Z'), extra('2026-01-10T09:00:00Z/2026-01-10T12:00:00Z')];
    for (const exceptions of [both, both.toReversed()]) {
      expect(open('UTC', [], exceptions, WEEK)).toEqual([
        '2026-01-10T09:00:00Z/2026-01-10T10:00:00Z',
        '2026-01-10T11:00:00Z/2026-01-10T12:00:00Z',
      ]);
    }
  });

  it('that only touches the hours changes nothing', () => {
    const touching = [
      off('2026-01-05T08:00:00Z/2026-01-05T09:00:00Z'),
      off('2026-01-05T17:00:00Z/2026-01-05T18:00:00Z'),
    ];
    expect(open('UTC', monday, touching, WEEK)).toEqual(['2026-01-05T09:00:00Z/2026-01-05T17:00:00Z']);
  });
});

describe('extra hours', () => {
  it('open a free day', () => {
    expect(open('UTC', [], [extra('2026-01-10T09:00:00Z/2026-01-10T12:00:00Z')], WEEK)).toEqual([
      '2026-01-10T09:00:00Z/2026-01-10T12:00:00Z',
    ]);
  });

  it('that meet or overlap the weekly hours or one another become one with them', () => {
    const exceptions = [
      extra('2026-01-05T17:00:00Z/2026-01-05T18:00:00Z'),
      extra('2026-01-05T18:00:00Z/2026-01-05T19:00:00Z'),
      extra('2026-01-05T08:00:00Z/2026-01-05T10:00:00Z'),
    ];
    expect(open('UTC', monday, exceptions, WEEK)).toEqual(['2026-01-05T08:00:00Z/2026-01-05T19:00:00Z']);
  });

  it('are cut to the range', () => {
    const long = extra('2026-01-01T00:00:00Z/2026-02-01T00:00:00Z');
    expect(open('UTC', [], [long], WEEK)).toEqual([WEEK]);
  });
});

describe('for any hours and exceptions', () => {
  const wall = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  const weeklyHours = fc.array(
    fc
      .tuple(fc.constantFrom(...DAYS), fc.nat(1439), fc.nat(1439))
      .map(([day, a, b]) => hours(day, wall(Math.min(a, b)), wall(Math.max(a, b) + 1))),
    { maxLength: 6 },
  );
  // The three days around the day on which New York repeats an hour.
  const range = { start: at('2026-10-31T00:00:00Z'), end: at('2026-11-03T00:00:00Z') };
  const minutes = (range.end - range.start) / MINUTE;
  const exceptions = fc.array(
    fc
      .tuple(
        fc.constantFrom('time-off' as const, 'extra-hours' as const),
        fc.integer({ min: -600, max: minutes }),
        fc.integer({ min: 1, max: 1500 }),
      )
      .map(([kind, start, length]): ExceptionInterval => {
        const from = range.start + start * MINUTE;
        return { kind, start: from, end: from + length * MINUTE };
      }),
    { maxLength: 8 },
  );
  const covers = (list: readonly { start: number; end: number }[], instant: number) =>
    list.some(({ start, end }) => start <= instant && instant < end);

  it('a minute is open when weekly or extra hours hold it, and no leave does', () => {
    fc.assert(
      fc.property(weeklyHours, exceptions, (weekly, list) => {
        const schedule = { timeZone: 'America/New_York', weeklyHours: weekly };
        const usual = openIntervals([schedule], [], clocksOver(range));
        const open = openIntervals([schedule], list, clocksOver(range));
        const [leave, more] = [
          list.filter(({ kind }) => kind === 'time-off'),
          list.filter(({ kind }) => kind === 'extra-hours'),
        ];
        for (let instant = range.start; instant < range.end; instant += MINUTE) {
          const expected = (covers(usual, instant) || covers(more, instant)) && !covers(leave, instant);
          if (covers(open, instant) !== expected) expect([iso(instant), expected]).toBe('the other way');
        }
      }),
      { numRuns: 60 },
    );
  });
});
