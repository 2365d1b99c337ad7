import { DAYS, type Hours, type Schedule } from '@daybook/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hours } from '../testing.ts';
import { findOverlap, openIntervals } from './availability.ts';
import type { Interval } from './interval.ts';
import { clocksOver } from './wall-clock.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const at = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const iso = (millis: number): string => Temporal.Instant.fromEpochMilliseconds(millis).toString();

const open = (timeZone: string, weeklyHours: Hours[], from: string, to: string): string[] =>
  openIntervals([{ timeZone, weeklyHours }], [], clocksOver({ start: at(from), end: at(to) })).map(
    ({ start, end }) => `${iso(start)}/${iso(end)}`,
  );

const everyDay = (start: string, end: string): Hours[] => DAYS.map((day) => hours(day, start, end));

describe('the open intervals', () => {
  it('are the hours of each day, in order', () => {
    const weeklyHours = [
      hours('tuesday', '10:00', '11:00'),
      hours('monday', '13:00', '17:00'),
      hours('monday', '09:00', '12:00'),
    ];
    expect(open('America/New_York', weeklyHours, '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z')).toEqual([
      '2026-01-05T14:00:00Z/2026-01-05T17:00:00Z',
      '2026-01-05T18:00:00Z/2026-01-05T22:00:00Z',
      '2026-01-06T15:00:00Z/2026-01-06T16:00:00Z',
    ]);
  });

  it('keep their wall-clock time over a clock change', () => {
    const weeklyHours = [hours('monday', '09:00', '10:00')];
    expect(open('America/New_York', weeklyHours, '2026-03-01T00:00:00Z', '2026-03-15T00:00:00Z')).toEqual([
      '2026-03-02T14:00:00Z/2026-03-02T15:00:00Z',
      '2026-03-09T13:00:00Z/2026-03-09T14:00:00Z',
    ]);
  });

  it("are the zone's days, not the days of UTC", () => {
    const weeklyHours = [hours('monday', '00:00', '01:00')];
    expect(open('Pacific/Kiritimati', weeklyHours, '2026-01-03T00:00:00Z', '2026-01-06T00:00:00Z')).toEqual([
      '2026-01-04T10:00:00Z/2026-01-04T11:00:00Z',
    ]);
    expect(open('Pacific/Pago_Pago', weeklyHours, '2026-01-03T00:00:00Z', '2026-01-06T00:00:00Z')).toEqual([
      '2026-01-05T11:00:00Z/2026-01-05T12:00:00Z',
    ]);
  });

  it('to midnight end with the day', () => {
    const weeklyHours = [hours('monday', '20:00', '24:00')];
    expect(open('Europe/Lisbon', weeklyHours, '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z')).toEqual([
      '2026-01-05T20:00:00Z/2026-01-06T00:00:00Z',
    ]);
  });

  it('to midnight and from midnight on are one', () => {
    const weeklyHours = [hours('monday', '22:00', '24:00'), hours('tuesday', '00:00', '02:00')];
    expect(open('Europe/Lisbon', weeklyHours, '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z')).toEqual([
      '2026-01-05T22:00:00Z/2026-01-06T02:00:00Z',
    ]);
  });

  it('over the end of the week are one, too', () => {
    const weeklyHours = [hours('sunday', '22:00', '24:00'), hours('monday', '00:00', '02:00')];
    expect(open('Europe/Lisbon', weeklyHours, '2026-01-10T00:00:00Z', '2026-01-13T00:00:00Z')).toEqual([
      '2026-01-11T22:00:00Z/2026-01-12T02:00:00Z',
    ]);
  });

  it('around the clock are one for the whole range', () => {
    const range = ['2026-01-05T12:34:56Z', '2026-02-05T01:02:03Z'] as const;
    expect(open('Asia/Kathmandu', everyDay('00:00', '24:00'), ...range)).toEqual([range.join('/')]);
  });

  it('of hours that meet are one', () => {
    const weeklyHours = [hours('monday', '09:00', '12:00'), hours('monday', '12:00', '15:00')];
    expect(open('UTC', weeklyHours, '2026-01-05T00:00:00Z', '2026-01-06T00:00:00Z')).toEqual([
      '2026-01-05T09:00:00Z/2026-01-05T15:00:00Z',
    ]);
  });

  it('are cut to the range', () => {
    const weeklyHours = [hours('monday', '09:00', '12:00')];
    expect(open('UTC', weeklyHours, '2026-01-05T10:00:00Z', '2026-01-05T11:30:00Z')).toEqual([
      '2026-01-05T10:00:00Z/2026-01-05T11:30:00Z',
    ]);
    expect(open('UTC', weeklyHours, '2026-01-05T12:00:00Z', '2026-01-12T09:00:00Z')).toEqual([]);
    expect(open('UTC', weeklyHours, '2026-01-05T10:00:00Z', '2026-01-05T10:00:00Z')).toEqual([]);
  });
});

describe('on the day of a clock change', () => {
  it.each([
    // Sunday 8 March: 02:00 to 03:00 is skipped, so the six hours are five.
    ['America/New_York', '2026-03-08', '00:00', '06:00', ['2026-03-08T05:00:00Z/2026-03-08T10:00:00Z']],
    // Sunday 29 March: 01:00 to 02:00 is skipped.
    ['Europe/Lisbon', '2026-03-29', '00:30', '02:30', ['2026-03-29T00:30:00Z/2026-03-29T01:30:00Z']],
    // Sunday 4 October: half an hour, 02:00 to 02:30, is skipped.
    ['Australia/Lord_Howe', '2026-10-04', '01:45', '03:00', ['2026-10-03T15:15:00Z/2026-10-03T16:00:00Z']],
    // Sunday 22 March, after Ramadan: 02:00 to 03:00 is skipped.
    ['Africa/Casablanca', '2026-03-22', '01:00', '04:00', ['2026-03-22T01:00:00Z/2026-03-22T03:00:00Z']],
  ])('in %s the skipped time is not offered', (timeZone, date, start, end, expected) => {
    const midday = Temporal.PlainDate.from(date).toZonedDateTime({ timeZone, plainTime: '12:00' }).epochMilliseconds;
    const [from, to] = [iso(midday - DAY), iso(midday)];
    expect(open(timeZone, [hours('sunday', start, end)], from, to)).toEqual(expected);
  });

  it.each([
    // Sunday 1 November: 01:00 to 02:00 comes twice.
    [
      'America/New_York',
      '2026-11-01',
      '00:00',
      '03:00',
      ['2026-11-01T04:00:00Z/2026-11-01T06:00:00Z', '2026-11-01T07:00:00Z/2026-11-01T08:00:00Z'],
    ],
    ['America/New_York', '2026-11-01', '01:15', '01:45', ['2026-11-01T05:15:00Z/2026-11-01T05:45:00Z']],
    // Sunday 25 October: 01:00 to 02:00 comes twice.
    ['Europe/Lisbon', '2026-10-25', '01:00', '02:00', ['2026-10-25T00:00:00Z/2026-10-25T01:00:00Z']],
    // Sunday 5 April: 01:30 to 02:00 comes twice.
    [
      'Australia/Lord_Howe',
      '2026-04-05',
      '01:00',
      '03:00',
      ['2026-04-04T14:00:00Z/2026-04-04T15:00:00Z', '2026-04-04T15:30:00Z/2026-04-04T16:30:00Z'],
    ],
    // Sunday 15 February, before Ramadan: 02:00 to 03:00 comes twice.
    [
      'Africa/Casablanca',
      '2026-02-15',
      '02:00',
      '04:00',
      ['2026-02-15T01:00:00Z/2026-02-15T02:00:00Z', '2026-02-15T03:00:00Z/2026-02-15T04:00:00Z'],
    ],
  ])('in %s on %s the repeated time from %s to %s is offered once', (timeZone, date, start, end, expected) => {
    const midday = Temporal.PlainDate.from(date).toZonedDateTime({ timeZone, plainTime: '12:00' }).epochMilliseconds;
    const [from, to] = [iso(midday - DAY), iso(midday)];
    expect(open(timeZone, [hours('sunday', start, end)], from, to)).toEqual(expected);
  });

  it('the day that Samoa skipped has no hours, and its neighbours touch', () => {
    const weeklyHours = [
      hours('thursday', '22:00', '24:00'),
      hours('friday', '00:00', '24:00'),
      hours('saturday', '00:00', '02:00'),
    ];
    expect(open('Pacific/Apia', weeklyHours, '2011-12-29T00:00:00Z', '2012-01-01T00:00:00Z')).toEqual([
      '2011-12-30T08:00:00Z/2011-12-30T12:00:00Z',
    ]);
    const friday = [hours('friday', '09:00', '17:00')];
    expect(open('Pacific/Apia', friday, '2011-12-27T00:00:00Z', '2012-01-03T00:00:00Z')).toEqual([]);
  });
});

/** Returns whether the doctor works at an instant, by the wall clock, as a second implementation of openIntervals. */
function worksAt(instant: number, { timeZone, weeklyHours }: Schedule): boolean {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone);
  const firstShown = zoned.toPlainDateTime().toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (firstShown.epochMilliseconds !== instant) return false;
  const time = zoned.toPlainTime().toString({ smallestUnit: 'millisecond' });
  return weeklyHours.some(
    ({ day, start, end }) => day === DAYS[zoned.dayOfWeek - 1] && start <= time && (end === '24:00' || time < end),
  );
}

const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const wallTime = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
const weeklyHoursOf = fc.array(
  fc
    .tuple(fc.constantFrom(...DAYS), fc.nat(1439), fc.nat(1439))
    .map(([day, a, b]) => hours(day, wallTime(Math.min(a, b)), wallTime(Math.max(a, b) + 1))),
  { maxLength: 12 },
);
const begin = at('2026-01-01T00:00:00Z');
const end = at('2028-01-01T00:00:00Z');

function expectInOrder(intervals: readonly Interval[], range: Interval): void {
  let before = Number.NEGATIVE_INFINITY;
  for (const interval of intervals) {
    expect(interval.start).toBeGreaterThan(before);
    expect(interval.end).toBeGreaterThan(interval.start);
    expect(interval.start).toBeGreaterThanOrEqual(range.start);
    expect(interval.end).toBeLessThanOrEqual(range.end);
    before = interval.end;
  }
}

describe('for every zone and any hours', () => {
  it('an instant of a long range is open when, and only when, the wall shows working hours for the first time', () => {
    const ranges = fc
      .tuple(fc.integer({ min: begin, max: end }), fc.nat(62 * DAY))
      .map(([start, length]) => ({ start, end: start + length }));
    const samples = fc.array(fc.nat(), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(zones, weeklyHoursOf, ranges, samples, (timeZone, weeklyHours, range, picks) => {
        const schedule = { timeZone, weeklyHours };
        const intervals = openIntervals([schedule], [], clocksOver(range));
        expectInOrder(intervals, range);
        const borders = intervals.flatMap((interval) => [interval.start, interval.end]);
        const inside = picks.map((pick) => range.start + (pick % (range.end - range.start + 1)));
        for (const instant of [...borders.flatMap((border) => [border - 1, border]), ...inside]) {
          if (instant < range.start || instant >= range.end) continue;
          const isOpen = intervals.some((interval) => interval.start <= instant && instant < interval.end);
          expect([timeZone, iso(instant), isOpen]).toEqual([timeZone, iso(instant), worksAt(instant, schedule)]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('the same holds for every minute around a clock change', () => {
    const changing = Intl.supportedValuesOf('timeZone').flatMap((timeZone) => {
      const changes: { timeZone: string; change: number }[] = [];
      let next = Temporal.Instant.fromEpochMilliseconds(begin)
        .toZonedDateTimeISO(timeZone)
        .getTimeZoneTransition('next');
      while (next && next.epochMilliseconds < end) {
        changes.push({ timeZone, change: next.epochMilliseconds });
        next = next.getTimeZoneTransition('next');
      }
      return changes;
    });
    expect(changing.length).toBeGreaterThan(100);
    const around = fc.tuple(fc.integer({ min: 0, max: 240 }), fc.integer({ min: 0, max: 240 }));
    fc.assert(
      fc.property(fc.constantFrom(...changing), weeklyHoursOf, around, ({ timeZone, change }, weeklyHours, [a, b]) => {
        // Adds hours around each clock change, so that most runs have some there.
        const schedule = { timeZone, weeklyHours: [...weeklyHours, ...everyDay('01:10', '02:20')] };
        const range = { start: change - a * MINUTE, end: change + b * MINUTE };
        const intervals = openIntervals([schedule], [], clocksOver(range));
        expectInOrder(intervals, range);
        for (let instant = range.start; instant < range.end; instant += MINUTE) {
          const isOpen = intervals.some((interval) => interval.start <= instant && instant < interval.end);
          if (isOpen !== worksAt(instant, schedule)) expect([timeZone, iso(instant), isOpen]).toBe('the other way');
        }
      }),
      { numRuns: 150 },
    );
  });

  it('a range in two parts gives the same as the whole', () => {
    const cuts = fc.tuple(fc.integer({ min: begin, max: end }), fc.nat(30 * DAY), fc.nat(30 * DAY));
    const lengthOf = (intervals: Interval[]) =>
      intervals.reduce((sum, interval) => sum + interval.end - interval.start, 0);
    fc.assert(
      fc.property(zones, weeklyHoursOf, cuts, (timeZone, weeklyHours, [start, a, b]) => {
        const schedule = { timeZone, weeklyHours };
        const [first, second, whole] = [
          openIntervals([schedule], [], clocksOver({ start, end: start + a })),
          openIntervals([schedule], [], clocksOver({ start: start + a, end: start + a + b })),
          openIntervals([schedule], [], clocksOver({ start, end: start + a + b })),
        ];
        expect(lengthOf(first) + lengthOf(second)).toBe(lengthOf(whole));
      }),
    );
  });
});

describe('overlapping hours', () => {
  it('are found whatever their order', () => {
    const late = hours('monday', '11:59', '13:00');
    expect(findOverlap([hours('monday', '09:00', '12:00'), late])).toEqual(late);
    expect(findOverlap([late, hours('monday', '09:00', '12:00')])).toEqual(late);
    const within = hours('monday', '10:00', '11:00');
    expect(findOverlap([hours('monday', '09:00', '12:00'), within])).toEqual(within);
  });

  it('are not those that meet, nor those of different days', () => {
    expect(
      findOverlap([
        hours('monday', '09:00', '12:00'),
        hours('monday', '12:00', '24:00'),
        hours('tuesday', '00:00', '12:00'),
      ]),
    ).toBeUndefined();
  });

  it('are also those that end before or when they start', () => {
    for (const wrong of [hours('friday', '12:00', '09:00'), hours('friday', '12:00', '12:00')]) {
      expect(findOverlap([wrong])).toEqual(wrong);
    }
  });

  it('are found exactly when two share a minute of a day', () => {
    const list = fc.array(
      fc
        .tuple(fc.constantFrom('monday' as const, 'tuesday' as const), fc.nat(1300), fc.integer({ min: 1, max: 140 }))
        .map(([day, start, length]) => hours(day, wallTime(start), wallTime(start + length))),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(list, (weeklyHours) => {
        const overlap = weeklyHours.some((a, index) =>
          weeklyHours.slice(index + 1).some((b) => a.day === b.day && a.start < b.end && b.start < a.end),
        );
        expect(findOverlap(weeklyHours) !== undefined).toBe(overlap);
      }),
    );
  });
});
