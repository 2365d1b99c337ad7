/** From a visit of the past to one that can be booked. */
import { GRID_MINUTES } from '@daybook/contracts';

const GRID_MILLIS = GRID_MINUTES * 60_000;
/** A year of whole weeks: what is moved by it keeps its weekday. */
const YEAR_DAYS = 52 * 7;

const floorMod = (value: number, divisor: number): number => ((value % divisor) + divisor) % divisor;

/** The length of a visit, rounded up to what can be booked. */
export function visitMinutes(start: Temporal.Instant, stop: Temporal.Instant): number {
  const cells = Math.ceil((stop.epochMilliseconds - start.epochMilliseconds) / GRID_MILLIS);
  return Math.max(1, cells) * GRID_MINUTES;
}

/**
 * The same weekday and wall-clock time at the doctor's, moved by whole years of 52 weeks into the year that begins
 * tomorrow, down to the grid. Whichever day it is asked on, two visits that met before meet again.
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
