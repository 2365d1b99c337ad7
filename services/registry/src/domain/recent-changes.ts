/**
 * What changed lately, for clients that hold a copy of the list: of each instance the last change. A client that was away
 * for longer, or finds a hash that is not its own, fetches the list.
 */
import { documentOf, type InstanceDocument, type Lease } from './lease.ts';

/** Eureka's own; its clients ask every thirty seconds. */
const RETENTION_MILLIS = 180_000;

export interface RecentChanges {
  add(key: string, lease: Lease, awakeMillis: number): void;
  /** In the order in which they happened. */
  since(awakeMillis: number): InstanceDocument[];
}

/** Where more than `max` instances changed, the oldest changes are forgotten: their readers see it by the hash. */
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
      // To the end: the map is in the order of time.
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
