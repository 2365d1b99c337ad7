import { DAY, EARLIEST_RFC3339, LATEST_RFC3339, MAX_CLOSURE_DAYS, type NewClosure, Refusal } from '@daybook/contracts';
import type { Interval } from './interval.ts';

/** Longer than any closure lasts, because a clock change can lengthen its days. */
export const LONGEST_CLOSURE_MILLIS = (MAX_CLOSURE_DAYS + 2) * DAY;

const beginningOf = (date: Temporal.PlainDate, timeZone: string): number =>
  date.toZonedDateTime(timeZone).epochMilliseconds;

/**
 * Returns the time of a closure, in milliseconds: from the beginning of its first day to the end of its last one.
 * @throws Refusal `invalid-interval`, `range-too-long`
 */
export function closureInterval(
  { startDate, endDate }: Pick<NewClosure, 'startDate' | 'endDate'>,
  timeZone: string,
): Interval {
  const [first, last] = [Temporal.PlainDate.from(startDate), Temporal.PlainDate.from(endDate)];
  const days = first.until(last).days + 1;
  if (days < 1) throw new Refusal('invalid-interval', 'The closure ends before it starts.');
  if (days > MAX_CLOSURE_DAYS) {
    throw new Refusal('range-too-long', `A closure lasts at most ${MAX_CLOSURE_DAYS} days.`);
  }
  const interval = { start: beginningOf(first, timeZone), end: beginningOf(last.add({ days: 1 }), timeZone) };
  // A zone at the date line may have skipped a whole day.
  if (interval.end <= interval.start) throw new Refusal('invalid-interval', 'The zone skips the days of the closure.');
  if (interval.start < EARLIEST_RFC3339 || interval.end > LATEST_RFC3339) {
    throw new Refusal('invalid-interval', 'The closure is not within the years 0000 to 9999 of UTC.');
  }
  return interval;
}
