/** Converts a past visit to one that can be booked. */
import { GRID_MINUTES } from '@daybook/contracts';

const GRID_MILLIS = GRID_MINUTES * 60_000;
/** A year of whole weeks, which keeps the weekday of a moved visit. */
const YEAR_DAYS = 52 * 7;

const floorMod = (value: number, divisor: number): number => ((value % divisor) + divisor) % divisor;

/** Returns the length of a visit, rounded up to the grid. */
export function visitMinutes(start: Temporal.Instant, stop: Temporal.Instant): number {
  const cells = Math.ceil((stop.epochMilliseconds - start.epochMilliseconds) / GRID_MILLIS);
  return Math.max(1, cells) * GRID_MINUTES;
}

/**
 * Returns the same weekday and wall-clock time at the doctor's, rounded down to the grid.
 * The visit moves by years of 52 weeks into the year that begins tomorrow.
 * Visits that overlapped before overlap again, on any day of the import.
 */
export function plannedStart(start: Temporal.Instant, timeZone: string, now: Temporal.Instant): Temporal.Instant {
  const wallClock = start.toZonedDateTimeISO(timeZone).toPlainDateTime();
  const tomorrow = now.toZonedDateTimeISO(timeZone).toPlainDate().add({ days: 1 });
  const { days } = tomorrow.until(wallClock.toPlainDate(), { largestUnit: 'day' });
  const time = { hour: wallClock.hour, minute: wallClock.minute - (wallClock.minute % GRID_MINUTES) };
  return tomorrow
    .add({ days: floorMod(days, YEAR_DAYS) })
    .toPlainDateTime(time)
    .toZonedDateTime(timeZone)
    .toInstant();
}
