/** From weekly hours to open intervals: pure interval arithmetic. */
import { DAYS, type Hours, type Schedule } from '@daybook/contracts';
import { clip, type Interval, union } from './interval.ts';
import { clockStretches, instantsOf } from './wall-clock.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

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

/** When the doctor works within the range: in order, not overlapping. */
export function openIntervals({ timeZone, weeklyHours }: Schedule, range: Interval): Interval[] {
  const stretches = clockStretches(timeZone, range);
  const open: Interval[] = [];
  const last = localMidnight(range.end, timeZone) + DAY;
  for (let midnight = localMidnight(range.start, timeZone) - DAY; midnight <= last; midnight += DAY) {
    for (const { day, start, end } of weeklyHours) {
      if (day !== dayOf(midnight)) continue;
      const local = { start: midnight + minutesOf(start) * MINUTE, end: midnight + minutesOf(end) * MINUTE };
      open.push(...instantsOf(local, stretches));
    }
  }
  return clip(union(open), range);
}
