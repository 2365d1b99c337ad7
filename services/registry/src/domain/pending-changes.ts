/** Queues the changes for one peer in order: the last one of each instance and action. */
import type { PendingChange } from './replication.ts';

export interface PendingChanges {
  /** Returns false when the queue is full. The next heartbeat of the instance replaces the change. */
  add(change: PendingChange): boolean;
  /** Returns the first changes. They stay queued until they are removed. */
  first(count: number): PendingChange[];
  /** Removes sent changes, except those that have changed again meanwhile. */
  remove(sent: readonly PendingChange[]): void;
  size(): number;
}

const keyOf = ({ action, app, id }: Pick<PendingChange, 'action' | 'app' | 'id'>) =>
  `${action} ${app.toUpperCase()}/${id}`;

/** The queued actions that a change makes unnecessary. */
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
      // Moved to the end, because a registration after a cancellation must be sent after it.
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
