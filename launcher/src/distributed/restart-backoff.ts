/** When a process that ended is started again: soon, then ever later, for ever; as at first when it had stayed. */
const INITIAL_DELAY_MILLIS = 500;
const MAX_DELAY_MILLIS = 30_000;
/** Whoever was ready for so long ended for a new reason. */
const RESET_AFTER_MILLIS = 60_000;

export interface RestartBackoff {
  /** It is ready now. */
  ready(now: number): void;
  /** It ended now. How long to wait until the next start. */
  nextDelay(now: number): number;
}

/** Times are those of a clock that never goes back, in milliseconds. */
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
      // Those that ended together do not all start together.
      return delay * (0.5 + random() / 2);
    },
  };
}
