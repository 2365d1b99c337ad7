/** Longer than a busy process ever leaves the clock unread, shorter than any lease. */
const LONGEST_STEP_MILLIS = 5_000;

/**
 * Milliseconds since it was made, not counting the time in which nobody read it: the process was stopped or the machine
 * slept, and whoever could not renew a lease then is given the rest of it. (On some systems a monotonic clock goes on
 * in sleep.) To be read every second or so.
 */
export function createAwakeClock(monotonicMillis: () => number = () => performance.now()): () => number {
  let last = monotonicMillis();
  let awake = 0;
  return () => {
    const now = monotonicMillis();
    awake += Math.min(now - last, LONGEST_STEP_MILLIS);
    last = now;
    return awake;
  };
}
