/**
 * Converts between wall-clock time and instants of a zone.
 * A time that a clock change skips does not exist. A time that it repeats counts once, at its first occurrence.
 *
 * "Local milliseconds" are the time of the wall clock, counted as if it were UTC. A day is its local midnight.
 */
import type { Interval } from './interval.ts';

/** An interval between two clock changes in which the wall clock shows times for the first time. */
export interface ClockStretch {
  /** Local milliseconds, half-open. */
  readonly localStart: number;
  readonly localEnd: number;
  /** Add to local milliseconds to get the instant. */
  readonly toInstant: number;
}

const HOUR = 3_600_000;
/** Longer than any repetition by a clock change so far (a day, at the date line). */
const LOOK_BACK = 48 * HOUR;
/** More clock changes than any zone has in the longest range of a request. */
const MAX_CHANGES = 100;

/** Returns the stretches of the zone that cover the range of instants, in order. */
export function clockStretches(timeZone: string, range: Interval): ClockStretch[] {
  const stretches: ClockStretch[] = [];
  let from = Temporal.Instant.fromEpochMilliseconds(range.start - LOOK_BACK).toZonedDateTimeISO(timeZone);
  let shownUntil = Number.NEGATIVE_INFINITY;
  for (let changes = 0; changes < MAX_CHANGES && from.epochMilliseconds < range.end; changes += 1) {
    const offset = from.offsetNanoseconds / 1e6;
    const next = from.getTimeZoneTransition('next');
    const end = Math.min(next?.epochMilliseconds ?? Number.POSITIVE_INFINITY, range.end + LOOK_BACK);
    const localStart = Math.max(from.epochMilliseconds + offset, shownUntil);
    const localEnd = end + offset;
    if (localStart < localEnd) stretches.push({ localStart, localEnd, toInstant: -offset });
    shownUntil = Math.max(shownUntil, localEnd);
    if (!next) break;
    from = next;
  }
  return stretches;
}

/** Returns the instants at which the wall clock first shows the local interval. */
export function instantsOf(local: Interval, stretches: readonly ClockStretch[]): Interval[] {
  const instants: Interval[] = [];
  for (const { localStart, localEnd, toInstant } of stretches) {
    const start = Math.max(local.start, localStart);
    const end = Math.min(local.end, localEnd);
    if (start < end) instants.push({ start: start + toInstant, end: end + toInstant });
  }
  return instants;
}

export const midnightOf = (date: string | Temporal.PlainDate): number =>
  Temporal.PlainDate.from(date).toZonedDateTime('UTC').epochMilliseconds;

/** Returns the day of a zone at an instant. */
export const dayAt = (instant: number, timeZone: string): number =>
  midnightOf(Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone).toPlainDate());

/** The wall clock of a zone in a range of instants. */
export interface ZoneClock {
  readonly stretches: readonly ClockStretch[];
  /** The days of the two ends of the range. */
  readonly firstDay: number;
  readonly lastDay: number;
}

/** The clocks of a range. Each zone is computed once and shared. */
export interface Clocks {
  readonly range: Interval;
  in(timeZone: string): ZoneClock;
}

export function clocksOver(range: Interval): Clocks {
  const known = new Map<string, ZoneClock>();
  return {
    range,
    in(timeZone) {
      let clock = known.get(timeZone);
      if (!clock) {
        const [firstDay, lastDay] = [dayAt(range.start, timeZone), dayAt(range.end, timeZone)];
        clock = { stretches: clockStretches(timeZone, range), firstDay, lastDay };
        known.set(timeZone, clock);
      }
      return clock;
    },
  };
}
