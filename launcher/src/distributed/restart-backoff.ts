/** Computes the delay before a restart. It doubles up to a limit, and resets after a long ready time. */
const INITIAL_DELAY_MILLIS = 500;
const MAX_DELAY_MILLIS = 30_000;
/** After this ready time, a failure counts as new. */
const RESET_AFTER_MILLIS = 60_000;

export interface RestartBackoff {
  /** Records that the process is ready. */
  ready(now: number): void;
  /** Records that the process ended. Returns the delay until the next start. */
  nextDelay(now: number): number;
}

/** Creates the backoff. Times are milliseconds of a monotonic clock. */
export function createRestartBackoff(random: () => number = Math.random): RestartBackoff {
  let readySince: number | undefined;
  let failures = 0;
  return {
    ready(now) {
      readySince = now;
    },
    nextDelay(now) {
      if (readySince !== undefined && now - readySince >= RESET_AFTER_MILLIS) failures = 0;
      readySince = undefined;
      const delay = Math.min(INITIAL_DELAY_MILLIS * 2 ** failures, MAX_DELAY_MILLIS);
      failures += 1;
      // The jitter spreads restarts of processes that ended together.
      return delay * (0.5 + random() / 2);
    },
  };
}
