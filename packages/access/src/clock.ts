/** Returns the time. Tests set it. */
export type Clock = () => Temporal.Instant;

/** The clocks of two machines may differ by this much. Only times of issue get it: no token outlives its `exp`. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/**
 * Returns whether an interval has passed since an instant, both in milliseconds. A clock that was set back counts as
 * passed, because waiting for the old time could take hours.
 */
export const hasPassed = (intervalMillis: number, sinceMillis: number, nowMillis: number): boolean =>
  nowMillis < sinceMillis || nowMillis - sinceMillis >= intervalMillis;
