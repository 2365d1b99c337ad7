/**
 * Wall-clock time and instants of a zone. Rule 5 of the product: a time that a clock change skips does not exist; one
 * that it repeats counts once, at its first occurrence.
 *
 * "Local milliseconds" are what the clock on the wall shows, counted as if it were UTC. A day is its local midnight.
 */
import type { Interval } from './interval.ts';

/** A stretch between two clock changes in which the wall clock shows times that it has not shown before. */
export interface ClockStretch {
  /** Local milliseconds, half-open. */
  readonly localStart: number;
  readonly localEnd: number;
  /** Add to local milliseconds to get the instant. */
  readonly toInstant: number;
}

const HOUR = 3_600_000;
/** Longer than any repeat that a clock change ever made (a day, at the date line). */
const LOOK_BACK = 48 * HOUR;
/** More clock changes than any zone makes in the longest range that can be asked. */
const MAX_CHANGES = 100;

/** The stretches of the zone that cover the range of instants, in order. */
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

/** The instants at which the wall clock shows the local interval, for the first time. */
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

/** The day that a zone has at an instant. */
export const dayAt = (instant: number, timeZone: string): number =>
  midnightOf(Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone).toPlainDate());

/** What the clock of a zone shows in a range of instants. */
export interface ZoneClock {
  readonly stretches: readonly ClockStretch[];
  /** The days that hold the two ends of the range. */
  readonly firstDay: number;
  readonly lastDay: number;
}

/** The clocks of a range. Each zone is looked up once, for whoever asks. */
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
