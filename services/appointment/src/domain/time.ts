/** Lengths and instants in milliseconds, which is how the domain counts time. */
export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** Milliseconds since 1970 UTC of an RFC 3339 instant. */
export const toMillis = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
