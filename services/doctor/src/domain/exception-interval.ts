import { DAY, EARLIEST_RFC3339, LATEST_RFC3339, MAX_EXCEPTION_DAYS, Refusal, toMillis } from '@daybook/contracts';
import type { Interval } from './interval.ts';

/**
 * Returns the time of an exception, in milliseconds.
 * @throws Refusal `invalid-interval`, `range-too-long`
 */
export function exceptionInterval(exception: { readonly start: string; readonly end: string }): Interval {
  const start = toMillis(exception.start);
  const end = toMillis(exception.end);
  if (end <= start) throw new Refusal('invalid-interval', 'The exception does not end after it starts.');
  // An offset can move a time beyond the years of RFC 3339. Such a time could be stored, but not returned.
  if (start < EARLIEST_RFC3339 || end > LATEST_RFC3339) {
    throw new Refusal('invalid-interval', 'The exception is not within the years 0000 to 9999 of UTC.');
  }
  if (end - start > MAX_EXCEPTION_DAYS * DAY) {
    throw new Refusal('range-too-long', `An exception lasts at most ${MAX_EXCEPTION_DAYS} days.`);
  }
  return { start, end };
}
