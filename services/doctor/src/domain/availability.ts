/** From the hours of each period and exceptions to open intervals: pure interval arithmetic. */
import { DAYS, type ExceptionKind, type Hours, type Schedule } from '@daybook/contracts';
import { clip, type Interval, subtract } from './interval.ts';
import { daysOf } from './periods.ts';
import { DAY, MINUTE } from './time.ts';
import { type Clocks, instantsOf } from './wall-clock.ts';

/** Minutes since midnight of `09:30`; `24:00` is 1440. */
function minutesOf(wallTime: string): number {
  const [hours = 0, minutes = 0] = wallTime.split(':').map(Number);
  return hours * 60 + minutes;
}

/** The first pair of hours that overlap, or that end before they start; undefined when there is none. */
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

/** 1970-01-01 was a Thursday. */
const weekdayOf = (midnight: number): number => (((midnight / DAY + 3) % 7) + 7) % 7;

/** For each day of the week, from Monday: the hours, in milliseconds since midnight. */
function byWeekday(weeklyHours: readonly Hours[]): Interval[][] {
  const days: Interval[][] = DAYS.map(() => []);
  for (const { day, start, end } of weeklyHours) {
    days[DAYS.indexOf(day)]?.push({ start: minutesOf(start) * MINUTE, end: minutesOf(end) * MINUTE });
  }
  return days;
}

/** Leave or extra hours, as far as they say when the doctor works. */
export interface ExceptionInterval extends Interval {
  readonly kind: ExceptionKind;
}

/** The hours of one period within the range, and somewhat beyond it; in no order. */
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
 * When the doctor works within the range of the clocks: weekly and extra hours, less leave. In order, not overlapping,
 * even where a period ends in one zone after the next has begun in another.
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
