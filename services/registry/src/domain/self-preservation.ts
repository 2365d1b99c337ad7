/**
 * Suspends evictions when most renewals stop simultaneously, because a network failure is then the likely reason. Also
 * limits the evictions in one minute to a small part of the list.
 *
 * A small system would keep dead instances. Take three instances that renew every thirty seconds. One that stops keeps
 * the renewals below the threshold as long as it is in the list. So the feature is off by default.
 */

export const RENEWAL_THRESHOLD = 0.85;
const SECONDS = 60;

/** Tracks how many instances may still be evicted within a minute. */
export interface SelfPreservation {
  renewed(awakeMillis: number): void;
  /** Returns how many of `size` instances may be evicted, given the expected renewals per minute. */
  evictionAllowance(size: number, expectedRenewals: number, awakeMillis: number): number;
  evicted(count: number): void;
  /** Returns whether renewals are missing. */
  isBelowThreshold(expectedRenewals: number, awakeMillis: number): boolean;
}

export function createSelfPreservation(): SelfPreservation {
  const renewals = new Array<number>(SECONDS).fill(0);
  let second = 0;
  let minute = 0;
  let evictedInMinute = 0;

  /** Clears the seconds that the ring buffer reuses. */
  function advanceTo(awakeMillis: number): void {
    const now = Math.floor(awakeMillis / 1000);
    for (let passed = Math.max(second + 1, now - SECONDS + 1); passed <= now; passed += 1) {
      renewals[passed % SECONDS] = 0;
    }
    second = Math.max(second, now);
    if (Math.floor(second / SECONDS) !== minute) evictedInMinute = 0;
    minute = Math.floor(second / SECONDS);
  }

  function isBelowThreshold(expectedRenewals: number, awakeMillis: number): boolean {
    advanceTo(awakeMillis);
    const renewed = renewals.reduce((sum, count) => sum + count, 0);
    return renewed <= Math.floor(expectedRenewals * RENEWAL_THRESHOLD);
  }

  return {
    renewed(awakeMillis) {
      advanceTo(awakeMillis);
      const index = second % SECONDS;
      renewals[index] = (renewals[index] ?? 0) + 1;
    },
    evictionAllowance(size, expectedRenewals, awakeMillis) {
      if (isBelowThreshold(expectedRenewals, awakeMillis)) return 0;
      const before = size + evictedInMinute;
      return Math.max(0, before - Math.floor(before * RENEWAL_THRESHOLD) - evictedInMinute);
    },
    evicted(count) {
      evictedInMinute += count;
    },
    isBelowThreshold,
  };
}
