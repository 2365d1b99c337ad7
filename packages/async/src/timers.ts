/** What this package waits by. Passed in, so that a test holds the clock instead of waiting. */
export interface Timers {
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Runs once, later; what it returns calls that off. Does not keep the process alive. */
  after(millis: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after(millis, run) {
    const timer = setTimeout(run, millis).unref();
    return () => clearTimeout(timer);
  },
};
