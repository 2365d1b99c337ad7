/** How long attempts wait after failures, as a pure function. */

export interface ThrottlePolicy {
  /** The number of the failure that starts the first pause. */
  readonly freeFailures: number;
  readonly firstPauseMillis: number;
  readonly longestPauseMillis: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Failures are forgotten after this time without a further one. */
export const FORGET_AFTER_MILLIS = 60 * MINUTE;

const pauses = { firstPauseMillis: 2 * SECOND, longestPauseMillis: 15 * MINUTE } as const;

/** An account from one address. */
export const PAIR: ThrottlePolicy = { freeFailures: 3, ...pauses };
/** The same while many others guess at the account: each further address gets one attempt. */
export const PAIR_UNDER_ATTACK: ThrottlePolicy = { freeFailures: 1, ...pauses };
/** A browser that has signed in to the account before. */
export const DEVICE: ThrottlePolicy = { freeFailures: 10, ...pauses };
/** An address, whatever the accounts. A clinic may have one address for all. */
export const ADDRESS: ThrottlePolicy = { freeFailures: 30, ...pauses };
/** Codes of the second factor. Only the owner of the password comes this far. */
export const CODES: ThrottlePolicy = { freeFailures: 10, ...pauses };

/** From this number of failures of all addresses on, an account counts as under attack. */
export const ATTACK_FAILURES = 50;

/** Returns the pause after a number of failures: it doubles with each. */
export function pauseMillisAfter(failures: number, policy: ThrottlePolicy): number {
  const beyond = failures - policy.freeFailures;
  if (beyond < 0) return 0;
  return Math.min(policy.firstPauseMillis * 2 ** Math.min(beyond, 30), policy.longestPauseMillis);
}
