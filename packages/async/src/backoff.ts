/** Limits exponential backoff: the first pause doubles with each failure, up to the longest. */
export interface BackoffRange {
  readonly firstMillis: number;
  readonly longestMillis: number;
  /** The shortest random pause, as a share of the full one. Half by default; 1 makes pauses exact. */
  readonly leastShare?: number;
}

/** Caps the exponent so that no number of failures overflows. */
const MAX_DOUBLINGS = 16;

/**
 * Returns the pause after `failures` (at least 1) failures in a row. It is random, between `leastShare` and all of the
 * full pause, so that callers spread.
 */
export function backoffMillis(
  failures: number,
  { firstMillis, longestMillis, leastShare = 0.5 }: BackoffRange,
  random: () => number = Math.random,
): number {
  const pause = Math.min(longestMillis, firstMillis * 2 ** Math.min(failures - 1, MAX_DOUBLINGS));
  return pause * (leastShare + (1 - leastShare) * random());
}
