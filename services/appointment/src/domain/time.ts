/** Lengths and instants in milliseconds, the unit of the domain. */
export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** Converts an RFC 3339 instant to milliseconds since 1970 UTC. */
export const toMillis = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
