/** What this package waits by. Passed in, so that a test holds the clock instead of waiting. */
export interface Timers {
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Runs once, later; what it returns calls that off. Does not keep the process alive. */
  after(millis: number, run: () => void): () => void;
}

export const realTimers: Timers = {
  now: () => performance.now(),
  after(millis, run) {
    const timer = setTimeout(run, millis).unref();
    return () => clearTimeout(timer);
  },
};

/** The first wait after a failure; it doubles up to the longest. */
const FIRST_RETRY_MILLIS = 500;

/** How long to wait after so many failures in a row, at least one: between half and all of it, so that callers spread. */
export function backoffMillis(failures: number, longestMillis: number): number {
  const backoff = Math.min(longestMillis, FIRST_RETRY_MILLIS * 2 ** Math.min(failures - 1, 16));
  return backoff * (0.5 + Math.random() / 2);
}
