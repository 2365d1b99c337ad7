/** Computes availability from the hours of each period and the exceptions, by interval arithmetic alone. */
import {
  type Availability,
  type AvailabilityQuery,
  DAY,
  DAYS,
  type ExceptionKind,
  type Hours,
  MAX_AVAILABILITY_DAYS,
  MINUTE,
  Refusal,
  type Schedule,
  toMillis,
} from '@daybook/contracts';
import { createInstantFormatter } from './instant-formatter.ts';
import { clip, type Interval, subtract, union } from './interval.ts';
import { daysOf, zoneAt } from './periods.ts';
import { type Clocks, clocksOver, instantsOf } from './wall-clock.ts';

/** Returns the minutes since midnight of `09:30`; `24:00` is 1440. */
function minutesOf(wallTime: string): number {
  const [hours = 0, minutes = 0] = wallTime.split(':').map(Number);
  return hours * 60 + minutes;
}

/** Returns the first hours that overlap earlier ones, or that end before they start; undefined when all are valid. */
export function findOverlap(weeklyHours: readonly Hours[]): Hours | undefined {
  for (const day of DAYS) {
    const ofDay = weeklyHours
      .filter((hours) => hours.day === day)
      .sort((a, b) => minutesOf(a.start) - minutesOf(b.start));
    let busyUntil = 0;
    for (const hours of ofDay) {
      if (minutesOf(hours.start) < busyUntil || minutesOf(hours.end) <= minutesOf(hours.start)) return hours;
      busyUntil = minutesOf(hours.end);
    }
  }
  return undefined;
}

/** Returns the day of the week, counted from Monday. 1970-01-01 was a Thursday. */
const weekdayOf = (midnight: number): number => (((midnight / DAY + 3) % 7) + 7) % 7;

/** Returns the hours of each day of the week, from Monday, in milliseconds since midnight. */
function byWeekday(weeklyHours: readonly Hours[]): Interval[][] {
  const days: Interval[][] = DAYS.map(() => []);
  for (const { day, start, end } of weeklyHours) {
    days[DAYS.indexOf(day)]?.push({ start: minutesOf(start) * MINUTE, end: minutesOf(end) * MINUTE });
  }
  return days;
}

/** The interval and the kind of an exception, without its reason. */
export interface ExceptionInterval extends Interval {
  readonly kind: ExceptionKind;
}

/** Returns the hours of one period within the range, and slightly beyond it, in no order. */
function intervalsOf(period: Schedule, clocks: Clocks): Interval[] {
  const { stretches, firstDay, lastDay } = clocks.in(period.timeZone);
  const days = daysOf(period);
  const weekly = byWeekday(period.weeklyHours);
  const intervals: Interval[] = [];
  const last = Math.min(lastDay + DAY, days.last);
  for (let midnight = Math.max(firstDay - DAY, days.first); midnight <= last; midnight += DAY) {
    for (const { start, end } of weekly[weekdayOf(midnight)] ?? []) {
      intervals.push(...instantsOf({ start: midnight + start, end: midnight + end }, stretches));
    }
  }
  return intervals;
}

/**
 * Returns when the doctor works within the range of the clocks: weekly hours less closures, and extra hours, less leave.
 * Closures do not cut extra hours, because those are entered for people who work in spite of a holiday.
 * The intervals are in order and do not overlap.
 * That holds even when a period ends in one zone after the next has begun in another.
 */
export function openIntervals(
  periods: readonly Schedule[],
  exceptions: readonly ExceptionInterval[],
  clocks: Clocks,
  closures: readonly Interval[] = [],
): Interval[] {
  const of = (kind: ExceptionKind) => exceptions.filter((exception) => exception.kind === kind);
  const weekly = periods.flatMap((period) => intervalsOf(period, clocks));
  const working = [...subtract(weekly, closures), ...of('extra-hours')];
  return clip(subtract(working, of('time-off')), clocks.range);
}

/** A doctor's hours and exceptions in a range. */
export interface WorkingTime {
  readonly doctorId: string;
  /**
   * The data include all changes of the doctor up to this version, and no later one.
   * They include a closure from its commit on, which is before the version that announces it.
   */
  readonly version: number;
  /** The zone of the doctor; the hours have their own. */
  readonly timeZone: string;
  readonly active: boolean;
  /** The appointment types that the doctor offers; undefined: all. */
  readonly appointmentTypeIds: string[] | undefined;
  /** The periods that share days with the range, in order. */
  readonly periods: readonly Schedule[];
  /** The exceptions that overlap the range, without the fields for staff only. */
  readonly exceptions: readonly ExceptionInterval[];
  /** The closures of the clinic that overlap the range. */
  readonly closures: readonly Interval[];
}

/**
 * Returns the range of a query.
 * @throws Refusal `range-too-long`
 */
export function rangeOf(query: AvailabilityQuery): Interval {
  const start = toMillis(query.from);
  const end = toMillis(query.to);
  if (end - start > MAX_AVAILABILITY_DAYS * DAY) {
    throw new Refusal(
      'range-too-long',
      `The range is longer than ${MAX_AVAILABILITY_DAYS} days. Request a shorter one.`,
    );
  }
  return { start, end };
}

/** Returns a function that computes availability. Doctors share the clocks and dates, which are computed once. */
export function availabilityOver(range: Interval): (found: WorkingTime) => Availability {
  const clocks = clocksOver(range);
  const format = createInstantFormatter();
  return ({ doctorId, version, timeZone: homeZone, active, appointmentTypeIds, periods, exceptions, closures }) => {
    const timeZone = zoneAt(range.start, periods) ?? homeZone;
    const items = openIntervals(periods, exceptions, clocks, closures).map(({ start, end }) => {
      const zoneThen = zoneAt(start, periods) ?? homeZone;
      return { start: format(start), end: format(end), ...(zoneThen !== timeZone && { timeZone: zoneThen }) };
    });
    const closed = clip(union(closures), range).map(({ start, end }) => ({ start: format(start), end: format(end) }));
    return {
      doctorId,
      version,
      timeZone,
      active,
      ...(appointmentTypeIds && { appointmentTypeIds }),
      items,
      ...(closed.length > 0 && { closed }),
    };
  };
}
