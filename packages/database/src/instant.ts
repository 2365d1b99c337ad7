/** Instants are milliseconds since 1970 UTC in the database and RFC 3339 in UTC outside. */
import { instantText } from '@daybook/contracts';

export const instantToMillis = (instant: Temporal.Instant): number => instant.epochMilliseconds;

export const instantFromMillis = (millis: number): Temporal.Instant => Temporal.Instant.fromEpochMilliseconds(millis);

/** `2026-11-23T14:00:00.000Z` */
export const isoFromMillis = (millis: number): string => instantText(instantFromMillis(millis));
