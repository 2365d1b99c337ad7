/** Computes the delay before a restart. It doubles up to a limit, and resets after a long ready time. */
import { backoffMillis } from '@daybook/async';

const DELAY = { firstMillis: 500, longestMillis: 30_000 };
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
      failures += 1;
      return backoffMillis(failures, DELAY, random);
    },
  };
}
