const FIRST_MILLIS = 500;
const LONGEST_MILLIS = 30_000;
/** Caps the exponent so that no number of attempts overflows. */
const MAX_DOUBLINGS = 16;

/** Returns the pause before due work that failed is due again. It doubles with each earlier attempt. */
export const retryPauseMillis = (attempts: number): number =>
  Math.min(FIRST_MILLIS * 2 ** Math.min(attempts, MAX_DOUBLINGS), LONGEST_MILLIS);
