/** Lengths and instants in milliseconds, the unit of the services' domains and databases. */
export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** Converts an RFC 3339 instant to milliseconds since 1970 UTC. */
export const toMillis = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;

/** The first and the last instant that RFC 3339 can write, because its years have four digits. */
export const EARLIEST_RFC3339 = toMillis('0000-01-01T00:00:00Z');
export const LATEST_RFC3339 = toMillis('9999-12-31T23:59:59.999Z');

/** Returns the nearest instant that RFC 3339 can write. */
export const clampToRfc3339 = (millis: number): number => Math.min(Math.max(millis, EARLIEST_RFC3339), LATEST_RFC3339);
