/** Replicates changes between registries in the format of Netflix: the entries of a batch, and their effects here. */
import { type Static, Type } from 'typebox';
import { Registration, Status } from './instance.ts';
import type { InstanceDocument, Moment } from './lease.ts';
import type { Leases } from './leases.ts';

/** Marks a call with one change from another registry. The change is not replicated further. */
export const REPLICATION_HEADER = 'x-netflix-discovery-replication';

export const ACTIONS = ['Register', 'Heartbeat', 'Cancel', 'StatusUpdate', 'DeleteStatusOverride'] as const;
export type ReplicationAction = (typeof ACTIONS)[number];

export const ReplicationEntry = Type.Object({
  action: Type.Unsafe<ReplicationAction>(Type.String({ enum: [...ACTIONS] })),
  appName: Type.String({ minLength: 1, maxLength: 200 }),
  id: Type.String({ minLength: 1, maxLength: 200 }),
  lastDirtyTimestamp: Type.Optional(Type.Integer({ minimum: 0 })),
  status: Type.Optional(Status()),
  overriddenStatus: Type.Optional(Status()),
  instanceInfo: Type.Optional(Registration),
});
export type ReplicationEntry = Static<typeof ReplicationEntry>;

export interface ReplicationOutcome {
  readonly statusCode: number;
  /** The instance as known here, if its change is later than the sender's. */
  readonly responseEntity?: InstanceDocument;
}

/**
 * Returns the instance without its override. A registry reports the override as the status, which was UP beneath it.
 */
export function beneathOverride(instance: Registration): Registration {
  const { status, overriddenStatus = 'UNKNOWN' } = instance;
  return overriddenStatus !== 'UNKNOWN' && status === overriddenStatus ? { ...instance, status: 'UP' } : instance;
}

const REGISTERED = { registered: 200, full: 503, ahead: 400, moved: 409 } as const;

export function applyReplication(leases: Leases, entry: ReplicationEntry, now: Moment): ReplicationOutcome {
  const { appName, id, status, lastDirtyTimestamp } = entry;
  if (leases.isAhead(appName, id, now, lastDirtyTimestamp)) return { statusCode: 400 };
  const found = (known: boolean): ReplicationOutcome => ({ statusCode: known ? 200 : 404 });
  switch (entry.action) {
    case 'Register': {
      if (!entry.instanceInfo) return { statusCode: 400 };
      const outcome = leases.register(beneathOverride(entry.instanceInfo), now, { mayMove: true });
      return { statusCode: REGISTERED[outcome] };
    }
    case 'Heartbeat':
      return applyHeartbeat(leases, entry, now);
    case 'Cancel':
      return found(leases.cancel(appName, id, now, lastDirtyTimestamp));
    case 'StatusUpdate':
      return status ? found(leases.override(appName, id, status, now)) : { statusCode: 400 };
    case 'DeleteStatusOverride':
      return found(leases.removeOverride(appName, id, status === 'UNKNOWN' ? undefined : status, now));
  }
}

/** Applies a heartbeat. 404 makes the sender register the instance here; 409 makes it accept the instance from here. */
function applyHeartbeat(leases: Leases, entry: ReplicationEntry, now: Moment): ReplicationOutcome {
  const outcome = leases.renew(entry.appName, entry.id, now, entry.lastDirtyTimestamp);
  if (outcome === 'renewed') return { statusCode: 200 };
  if (outcome === 'ahead') return { statusCode: 400 };
  const responseEntity = outcome === 'older' ? leases.of(entry.appName, entry.id) : undefined;
  return responseEntity ? { statusCode: 409, responseEntity } : { statusCode: 404 };
}

/** A change that is not yet replicated to the peers. */
export interface PendingChange {
  readonly action: ReplicationAction;
  readonly app: string;
  readonly id: string;
  /** The override that was set, or the status after its removal. */
  readonly status?: Status;
  /** Set for a cancellation, because the instance is already gone from here when it is sent. */
  readonly lastDirtyTimestamp?: number;
}

/** Returns the entry for a change with the current data. Returns undefined if the instance is gone. */
export function entryOf(change: PendingChange, leases: Leases) {
  const { action, app: appName, id, status } = change;
  if (action === 'Cancel') return { action, appName, id, lastDirtyTimestamp: change.lastDirtyTimestamp };
  const instance = leases.of(appName, id);
  if (!instance) return undefined;
  return {
    action,
    appName,
    id,
    lastDirtyTimestamp: Number(instance.lastDirtyTimestamp),
    status: status ?? instance.status,
    ...(action === 'Heartbeat' &&
      instance.overriddenStatus !== 'UNKNOWN' && { overriddenStatus: instance.overriddenStatus }),
    ...(action === 'Register' && { instanceInfo: instance }),
  };
}
