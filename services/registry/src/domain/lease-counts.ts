/** What is counted over all leases, kept up to date, so that nobody counts ten thousand for each change. */
import type { Status } from './instance.ts';
import { type Lease, statusOf } from './lease.ts';

export interface LeaseCounts {
  add(lease: Lease): void;
  /** As the lease was when it was added. */
  remove(lease: Lease): void;
  /** `DOWN_1_UP_2_`: how many of each status, in alphabetical order. A client that holds a copy compares it. */
  hash(): string;
  expectedRenewalsPerMinute(): number;
}

export function createLeaseCounts(): LeaseCounts {
  const counts = new Map<Status, number>();
  let expected = 0;

  function count(lease: Lease, by: 1 | -1): void {
    const status = statusOf(lease);
    counts.set(status, (counts.get(status) ?? 0) + by);
    expected += (by * 60) / lease.times.renewalIntervalInSecs;
  }

  return {
    add: (lease) => count(lease, 1),
    remove: (lease) => count(lease, -1),
    hash: () =>
      [...counts]
        .filter(([, number]) => number > 0)
        .map(([status, number]) => `${status}_${number}_`)
        .sort()
        .join(''),
    expectedRenewalsPerMinute: () => expected,
  };
}
