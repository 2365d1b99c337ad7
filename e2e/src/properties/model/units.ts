/** Lengths in milliseconds. */
import { instantText } from '@daybook/contracts';

export const MINUTE = 60_000;
export const CELL = 5 * MINUTE;
export const DAY = 86_400_000;

export const toIso = (millis: number): string => instantText(Temporal.Instant.fromEpochMilliseconds(millis));
export const toMillis = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
