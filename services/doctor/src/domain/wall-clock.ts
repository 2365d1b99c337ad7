/**
 * Wall-clock time and instants of a zone. Rule 5 of the product: a time that a clock change skips does not exist; one
 * that it repeats counts once, at its first occurrence.
 *
 * "Local milliseconds" are what the clock on the wall shows, counted as if it were UTC.
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
  return stretches
    .map(({ localStart, localEnd, toInstant }) => ({
      start: Math.max(local.start, localStart) + toInstant,
      end: Math.min(local.end, localEnd) + toInstant,
    }))
    .filter(({ start, end }) => start < end);
}
