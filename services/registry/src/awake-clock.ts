/** Longer than a busy process leaves the clock unread, shorter than any lease. */
const LONGEST_STEP_MILLIS = 5_000;

/**
 * Creates a clock that returns milliseconds since its creation. It ignores the time in which it was not read, because
 * the process was stopped or the machine slept. An instance that could not renew its lease then keeps the rest of it.
 * On some systems a monotonic clock continues during sleep. The caller must read the clock about every second.
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
