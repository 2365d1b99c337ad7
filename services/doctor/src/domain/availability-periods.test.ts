import { DAYS, type Hours, type NewSchedule, type Schedule } from '@daybook/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hours } from '../testing.ts';
import { openIntervals } from './availability.ts';
import { periodsOf } from './periods.ts';
import { clocksOver } from './wall-clock.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const at = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const iso = (millis: number): string => Temporal.Instant.fromEpochMilliseconds(millis).toString();
const everyDay = (start: string, end: string): Hours[] => DAYS.map((day) => hours(day, start, end));

function open(schedules: NewSchedule[], range: string): string[] {
  const [start = '', end = ''] = range.split('/');
  return openIntervals(periodsOf(schedules), [], clocksOver({ start: at(start), end: at(end) })).map(
    (interval) => `${iso(interval.start)}/${iso(interval.end)}`,
  );
}

/** Returns hours until the day before `date`, and others from `date` on. */
const change = (timeZone: string, before: Hours[], date: string, after: Hours[]): NewSchedule[] => [
  { timeZone, weeklyHours: before },
  { timeZone, weeklyHours: after, validFrom: date },
];

describe('where the hours of one period end and others begin', () => {
  it('hours until 24:00 on the last day are whole', () => {
    const nights = everyDay('22:00', '24:00');
    expect(open(change('Asia/Tokyo', nights, '2026-06-03', []), '2026-06-01T15:00:00Z/2026-06-05T00:00:00Z')).toEqual([
      '2026-06-02T13:00:00Z/2026-06-02T15:00:00Z',
    ]);
  });

  it('hours over midnight are one', () => {
    const schedules = change('Asia/Tokyo', everyDay('22:00', '24:00'), '2026-06-03', everyDay('00:00', '02:00'));
    expect(open(schedules, '2026-06-02T00:00:00Z/2026-06-03T00:00:00Z')).toEqual([
      '2026-06-02T13:00:00Z/2026-06-02T17:00:00Z',
    ]);
  });

  it.each([
    // 00:00 to 01:00 does not exist on the first day.
    ['Africa/Cairo', '2026-04-24', '2026-04-23T21:00:00Z', '2026-04-23T22:00:00Z'],
    ['America/Santiago', '2026-09-06', '2026-09-06T03:00:00Z', '2026-09-06T04:00:00Z'],
    ['Asia/Beirut', '2026-03-29', '2026-03-28T21:00:00Z', '2026-03-28T22:00:00Z'],
  ])('in %s the first day begins when midnight is skipped', (timeZone, date, lastHour, firstInstant) => {
    const schedules = change(timeZone, everyDay('23:00', '24:00'), date, everyDay('00:00', '02:00'));
    expect(open(schedules, `${lastHour}/${iso(at(lastHour) + 3 * 60 * MINUTE)}`)).toEqual([
      `${lastHour}/${iso(at(firstInstant) + 60 * MINUTE)}`,
    ]);
  });

  it.each([
    // 23:00 to 24:00 comes twice on the last day.
    ['Africa/Cairo', '2026-10-30', '2026-10-29T20:00:00Z'],
    ['America/Santiago', '2026-04-05', '2026-04-05T02:00:00Z'],
  ])('in %s the last hour of the last day comes twice and counts once', (timeZone, date, lastHour) => {
    const schedules = change(timeZone, everyDay('23:00', '24:00'), date, everyDay('00:00', '01:00'));
    const hour = (index: number) => iso(at(lastHour) + index * 60 * MINUTE);
    expect(open(schedules, `${hour(-6)}/${hour(6)}`)).toEqual([`${hour(0)}/${hour(1)}`, `${hour(2)}/${hour(3)}`]);
  });

  it('in Havana the first hour of the first day comes twice and counts once', () => {
    const schedules = change('America/Havana', everyDay('23:00', '24:00'), '2026-11-01', everyDay('00:00', '02:00'));
    expect(open(schedules, '2026-11-01T00:00:00Z/2026-11-01T12:00:00Z')).toEqual([
      '2026-11-01T03:00:00Z/2026-11-01T05:00:00Z',
      '2026-11-01T06:00:00Z/2026-11-01T07:00:00Z',
    ]);
  });

  it('the day that Samoa skipped may be the first, the last or the only one', () => {
    const [late, early] = [everyDay('22:00', '24:00'), everyDay('00:00', '02:00')];
    const range = '2011-12-30T00:00:00Z/2011-12-30T20:00:00Z';
    const bothSides = ['2011-12-30T08:00:00Z/2011-12-30T12:00:00Z'];
    for (const date of ['2011-12-30', '2011-12-31']) {
      expect(open(change('Pacific/Apia', late, date, early), range)).toEqual(bothSides);
    }
    const only: NewSchedule = {
      timeZone: 'Pacific/Apia',
      weeklyHours: everyDay('00:00', '24:00'),
      validFrom: '2011-12-30',
    };
    const after = { ...only, weeklyHours: [], validFrom: '2011-12-31' };
    expect(open([{ ...only, weeklyHours: [] }, only, after].slice(1), range)).toEqual([]);
    expect(
      open([{ timeZone: 'Pacific/Apia', weeklyHours: late }, only, { ...after, weeklyHours: early }], range),
    ).toEqual(bothSides);
  });

  it('in two zones, each has its own midnight, and what both open is open once', () => {
    // 1 December begins in Tokyo fourteen hours before 30 November ends in New York.
    const schedules = [
      { timeZone: 'America/New_York', weeklyHours: everyDay('00:00', '24:00') },
      { timeZone: 'Asia/Tokyo', weeklyHours: everyDay('00:00', '12:00'), validFrom: '2026-12-01' },
    ];
    expect(open(schedules, '2026-11-30T00:00:00Z/2026-12-02T12:00:00Z')).toEqual([
      '2026-11-30T00:00:00Z/2026-12-01T05:00:00Z',
      '2026-12-01T15:00:00Z/2026-12-02T03:00:00Z',
    ]);
    const west = schedules.map((schedule, index) => ({ ...schedule, timeZone: schedules[1 - index]?.timeZone ?? '' }));
    // In the opposite order, neither period has hours in between.
    expect(open(west, '2026-11-30T00:00:00Z/2026-12-02T12:00:00Z')).toEqual([
      '2026-11-30T00:00:00Z/2026-11-30T15:00:00Z',
      '2026-12-01T05:00:00Z/2026-12-01T17:00:00Z',
      '2026-12-02T05:00:00Z/2026-12-02T12:00:00Z',
    ]);
  });
});

/** Returns whether a period has hours at an instant, by the clock and the calendar of its zone. */
function worksAt(instant: number, { timeZone, weeklyHours, validFrom, validThrough }: Schedule): boolean {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone);
  const firstShown = zoned.toPlainDateTime().toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (firstShown.epochMilliseconds !== instant) return false;
  const date = zoned.toPlainDate().toString();
  if ((validFrom !== undefined && date < validFrom) || (validThrough !== undefined && date > validThrough))
    return false;
  const time = zoned.toPlainTime().toString({ smallestUnit: 'minute' });
  return weeklyHours.some(({ day, start, end }) => day === DAYS[zoned.dayOfWeek - 1] && start <= time && time < end);
}

it('for any periods in any zones, a minute is open when the hours of a period are shown on a day of that period', () => {
  const wallTime = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  const someHours = fc.array(
    fc
      .tuple(fc.constantFrom(...DAYS), fc.nat(1439), fc.nat(1439))
      .map(([day, a, b]) => hours(day, wallTime(Math.min(a, b)), wallTime(Math.max(a, b) + 1))),
    { maxLength: 12 },
  );
  const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
  const home = fc.tuple(zones, zones, fc.boolean()).map(([one, other, moves]) => (moves ? [one, other] : [one, one]));
  const begin = Temporal.PlainDate.from('2026-01-01');
  const days = fc.tuple(fc.nat(700), fc.uniqueArray(fc.nat(5), { maxLength: 4 }));
  fc.assert(
    fc.property(
      home,
      days,
      fc.array(someHours, { minLength: 5, maxLength: 5 }),
      fc.boolean(),
      (zoned, when, weekly, first) => {
        const [day, offsets] = when;
        const dates = offsets.toSorted().map((offset) => begin.add({ days: day + offset }).toString());
        const schedules = [undefined, ...dates].map((validFrom, index) => ({
          timeZone: zoned[index % 2] ?? '',
          weeklyHours: weekly[index] ?? [],
          ...(validFrom !== undefined && { validFrom }),
        }));
        const periods = periodsOf(first ? schedules : schedules.slice(1));
        const start = at(`${begin.add({ days: day })}T00:00:00Z`) - DAY;
        const range = { start, end: start + 7 * DAY };
        const intervals = openIntervals(periods, [], clocksOver(range));
        for (const [index, interval] of intervals.entries()) {
          expect(interval.start).toBeGreaterThan(intervals[index - 1]?.end ?? range.start - 1);
          expect(interval.end).toBeGreaterThan(interval.start);
        }
        const borders = intervals.flatMap((interval) => [interval.start - MINUTE, interval.start, interval.end]);
        for (let instant = range.start; instant < range.end; instant += 47 * MINUTE) borders.push(instant);
        for (const instant of borders) {
          if (instant < range.start || instant >= range.end) continue;
          const isOpen = intervals.some((interval) => interval.start <= instant && instant < interval.end);
          const expected = periods.some((period) => worksAt(instant, period));
          if (isOpen !== expected) expect([periods, iso(instant), isOpen]).toBe('the other way');
        }
      },
    ),
    { numRuns: 150 },
  );
});
