/** What one peer is still to be told, in order: of each instance and each action the last. */
import type { PendingChange } from './replication.ts';

export interface PendingChanges {
  /** False when there is no room; the next heartbeat of the instance makes up for it. */
  add(change: PendingChange): boolean;
  /** The first few. They stay until they are removed. */
  first(count: number): PendingChange[];
  /** Those that were told, unless the same has changed again meanwhile. */
  remove(sent: readonly PendingChange[]): void;
  size(): number;
}

const keyOf = ({ action, app, id }: Pick<PendingChange, 'action' | 'app' | 'id'>) =>
  `${action} ${app.toUpperCase()}/${id}`;

/** What a change makes needless to tell. */
const SUPERSEDES = {
  Cancel: ['Register', 'Heartbeat', 'StatusUpdate', 'DeleteStatusOverride'],
  StatusUpdate: ['DeleteStatusOverride'],
  DeleteStatusOverride: ['StatusUpdate'],
  Register: ['Heartbeat'],
  Heartbeat: [],
} as const;

export function createPendingChanges(max: number): PendingChanges {
  const pending = new Map<string, PendingChange>();
  return {
    add(change) {
      for (const action of SUPERSEDES[change.action]) pending.delete(keyOf({ ...change, action }));
      const key = keyOf(change);
      // To the end: a registration after a cancellation must be told after it.
      pending.delete(key);
      if (pending.size >= max) return false;
      pending.set(key, change);
      return true;
    },
    first: (count) => pending.values().take(count).toArray(),
    remove(sent) {
      for (const change of sent) if (pending.get(keyOf(change)) === change) pending.delete(keyOf(change));
    },
    size: () => pending.size,
  };
}
