/** Counts all leases incrementally, so that a change does not require a count of ten thousand. */
import type { Status } from './instance.ts';
import { type Lease, statusOf } from './lease.ts';

export interface LeaseCounts {
  add(lease: Lease): void;
  /** `lease` must be as it was when added. */
  remove(lease: Lease): void;
  /** Returns the number of each status in alphabetical order: `DOWN_1_UP_2_`. A client compares it with its copy. */
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
