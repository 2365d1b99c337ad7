/** The clock and timers of this package. Tests pass their own clock instead of waiting. */
export interface Timers {
  /** Returns monotonic milliseconds. */
  now(): number;
  /** Runs `run` once after `millis`. Returns a function that cancels it. Does not keep the process alive. */
  after(millis: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after(millis, run) {
    const timer = setTimeout(run, millis).unref();
    return () => clearTimeout(timer);
  },
};
