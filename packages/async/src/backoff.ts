/** Limits exponential backoff: the first pause doubles with each failure, up to the longest. */
export interface BackoffRange {
  readonly firstMillis: number;
  readonly longestMillis: number;
}

/** Caps the exponent so that no number of failures overflows. */
const MAX_DOUBLINGS = 16;

/**
 * Returns the pause after `failures` (at least 1) failures in a row. It is random, between half and all of the full
 * pause, so that callers spread.
 */
export function backoffMillis(failures: number, { firstMillis, longestMillis }: BackoffRange): number {
  const pause = Math.min(longestMillis, firstMillis * 2 ** Math.min(failures - 1, MAX_DOUBLINGS));
  return pause * (0.5 + Math.random() / 2);
}
