/** From weekly hours and exceptions to open intervals: pure interval arithmetic. */
import { DAYS, type ExceptionKind, type Hours, type Schedule } from '@daybook/contracts';
import { clip, type Interval, subtract } from './interval.ts';
import { DAY, MINUTE } from './time.ts';
import { clockStretches, instantsOf } from './wall-clock.ts';

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

/** Local midnight of the day that holds the instant, as local milliseconds. */
function localMidnight(instant: number, timeZone: string): number {
  const date = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone).toPlainDate();
  return date.toZonedDateTime('UTC').epochMilliseconds;
}

/** 1970-01-01 was a Thursday. */
const dayOf = (midnight: number) => DAYS[(((midnight / DAY + 3) % 7) + 7) % 7];

/** Leave or extra hours, as far as they say when the doctor works. */
export interface ExceptionInterval extends Interval {
  readonly kind: ExceptionKind;
}

/** The weekly hours within the range, and somewhat beyond it; in no order. */
function weeklyIntervals({ timeZone, weeklyHours }: Schedule, range: Interval): Interval[] {
  const stretches = clockStretches(timeZone, range);
  const intervals: Interval[] = [];
  const last = localMidnight(range.end, timeZone) + DAY;
  for (let midnight = localMidnight(range.start, timeZone) - DAY; midnight <= last; midnight += DAY) {
    for (const { day, start, end } of weeklyHours) {
      if (day !== dayOf(midnight)) continue;
      const local = { start: midnight + minutesOf(start) * MINUTE, end: midnight + minutesOf(end) * MINUTE };
      intervals.push(...instantsOf(local, stretches));
    }
  }
  return intervals;
}

/** When the doctor works within the range: weekly and extra hours, less leave. In order, not overlapping. */
export function openIntervals(
  schedule: Schedule,
  exceptions: readonly ExceptionInterval[],
  range: Interval,
): Interval[] {
  const of = (kind: ExceptionKind) => exceptions.filter((exception) => exception.kind === kind);
  const working = [...weeklyIntervals(schedule, range), ...of('extra-hours')];
  return clip(subtract(working, of('time-off')), range);
}
