/** Lengths of time, in milliseconds. */
export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** The first and the last instant that RFC 3339 can write, in milliseconds since 1970 UTC. */
export const EARLIEST_RFC3339 = Temporal.Instant.from('0000-01-01T00:00:00Z').epochMilliseconds;
export const LATEST_RFC3339 = Temporal.Instant.from('9999-12-31T23:59:59.999Z').epochMilliseconds;
