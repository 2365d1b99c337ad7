/**
 * Keeps the last change of each instance for a while, for clients with a copy of the list. A client that was away for
 * longer fetches the list. So does a client whose hash differs.
 */
import { documentOf, type InstanceDocument, type Lease } from './lease.ts';

/** Eureka's default. Its clients poll every thirty seconds. */
const RETENTION_MILLIS = 180_000;

export interface RecentChanges {
  add(key: string, lease: Lease, awakeMillis: number): void;
  /** Returns the changes in their order. */
  since(awakeMillis: number): InstanceDocument[];
}

/** Creates the store. Beyond `max` instances, the oldest changes are forgotten. Readers detect this by the hash. */
export function createRecentChanges(max: number): RecentChanges {
  const changes = new Map<string, { lease: Lease; awakeMillis: number }>();

  function forget(until: number): void {
    for (const [key, { awakeMillis }] of changes) {
      if (awakeMillis >= until && changes.size <= max) return;
      changes.delete(key);
    }
  }

  return {
    add(key, lease, awakeMillis) {
      // Moved to the end, because the map is ordered by time.
      changes.delete(key);
      changes.set(key, { lease, awakeMillis });
      forget(awakeMillis - RETENTION_MILLIS);
    },
    since(awakeMillis) {
      forget(awakeMillis - RETENTION_MILLIS);
      return [...changes.values()].map(({ lease }) => documentOf(lease));
    },
  };
}
