/** When a process that ended is started again: soon, then ever later, for ever; as at first when it had stayed. */
const FIRST_PAUSE_MILLIS = 500;
const LONGEST_PAUSE_MILLIS = 30_000;
/** Whoever was ready for so long ended for a new reason. */
const STAYED_MILLIS = 60_000;

export interface Restarts {
  /** It is ready now. */
  ready(now: number): void;
  /** It ended now. How long to wait until the next start. */
  ended(now: number): number;
}

/** Times are those of a clock that never goes back, in milliseconds. */
export function createRestarts(random: () => number = Math.random): Restarts {
  let readySince: number | undefined;
  let inARow = 0;
  return {
    ready(now) {
      readySince = now;
    },
    ended(now) {
      if (readySince !== undefined && now - readySince >= STAYED_MILLIS) inARow = 0;
      readySince = undefined;
      const pause = Math.min(FIRST_PAUSE_MILLIS * 2 ** inARow, LONGEST_PAUSE_MILLIS);
      inARow += 1;
      // Those that ended together do not all start together.
      return pause * (0.5 + random() / 2);
    },
  };
}
