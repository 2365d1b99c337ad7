/**
 * When most renewals stop at once, it is more likely the network than the instances: then nobody is evicted. And whatever
 * the reason, no more than a small part of the list goes in one minute.
 *
 * In a small system this keeps the dead: of three instances that renew every thirty seconds, one that stops brings the
 * renewals below the threshold for as long as it is in the list. So it is off unless it is asked for.
 */

export const RENEWAL_THRESHOLD = 0.85;
const SECONDS = 60;

/** How much is left of what may be evicted within a minute. */
export interface SelfPreservation {
  renewed(awakeMillis: number): void;
  /** Of `size` instances, of which so many renewals a minute are expected. */
  evictionAllowance(size: number, expectedRenewals: number, awakeMillis: number): number;
  evicted(count: number): void;
  /** Whether renewals are missing. */
  isBelowThreshold(expectedRenewals: number, awakeMillis: number): boolean;
}

export function createSelfPreservation(): SelfPreservation {
  const renewals = new Array<number>(SECONDS).fill(0);
  let second = 0;
  let minute = 0;
  let evictedInMinute = 0;

  /** Empties the seconds that have come round again. */
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
