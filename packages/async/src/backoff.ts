/** The range of exponential backoff: the first pause doubles with each failure, up to the longest. */
export interface BackoffRange {
  readonly firstMillis: number;
  readonly longestMillis: number;
}

/** Caps the exponent, so that no number of failures leaves the range of numbers. */
const MAX_DOUBLINGS = 16;

/** Returns the pause after `failures` failures in a row, at least one: between half and all of it, so that callers spread. */
export function backoffMillis(failures: number, { firstMillis, longestMillis }: BackoffRange): number {
  const pause = Math.min(longestMillis, firstMillis * 2 ** Math.min(failures - 1, MAX_DOUBLINGS));
  return pause * (0.5 + Math.random() / 2);
}
