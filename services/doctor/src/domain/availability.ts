/** Computes open intervals from the hours of each period and the exceptions, by interval arithmetic alone. */
import { DAYS, type ExceptionKind, type Hours, type Schedule } from '@daybook/contracts';
import { clip, type Interval, subtract } from './interval.ts';
import { daysOf } from './periods.ts';
import { DAY, MINUTE } from './time.ts';
import { type Clocks, instantsOf } from './wall-clock.ts';

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
 * Returns when the doctor works within the range of the clocks: weekly and extra hours, less leave.
 * The intervals are in order and do not overlap.
 * That holds even when a period ends in one zone after the next has begun in another.
 */
export function openIntervals(
  periods: readonly Schedule[],
  exceptions: readonly ExceptionInterval[],
  clocks: Clocks,
): Interval[] {
  const of = (kind: ExceptionKind) => exceptions.filter((exception) => exception.kind === kind);
  const working = [...periods.flatMap((period) => intervalsOf(period, clocks)), ...of('extra-hours')];
  return clip(subtract(working, of('time-off')), clocks.range);
}
