/** Holds the list and publishes its changes to streams and peers. A change from a peer is not sent to peers. */
import type { Metadata, Registration, Status } from './domain/instance.ts';
import type { InstanceDocument, Moment } from './domain/lease.ts';
import type { Leases, RegisterOutcome } from './domain/leases.ts';
import {
  applyReplication,
  beneathOverride,
  type PendingChange,
  type ReplicationEntry,
  type ReplicationOutcome,
} from './domain/replication.ts';

/** The origin of a change: an instance or an operator, or another registry. */
export type Origin = 'client' | 'peer';

export interface Registry {
  /** Never returns `moved` for a peer: see `Leases`. */
  register(instance: Registration, origin: Origin): RegisterOutcome;
  renew(
    app: string,
    id: string,
    lastDirtyTimestamp: number | undefined,
    origin: Origin,
  ): 'renewed' | 'unknown' | 'ahead';
  cancel(app: string, id: string, origin: Origin): boolean;
  override(app: string, id: string, status: Status, origin: Origin): boolean;
  removeOverride(app: string, id: string, status: Status | undefined, origin: Origin): boolean;
  addMetadata(app: string, id: string, entries: Metadata, origin: Origin): 'added' | 'unknown' | 'full';
  /** Applies an entry of a peer's batch. */
  apply(entry: ReplicationEntry): ReplicationOutcome;
  evictExpired(): { app: string; id: string }[];
  recentChanges(): InstanceDocument[];
  isPreserving(): boolean;
  now(): Moment;
  readonly leases: Pick<Leases, 'all' | 'where' | 'of' | 'hash' | 'version'>;
}

export interface RegistryOptions {
  leases: Leases;
  clock: () => Moment;
  replicateToPeers: (change: PendingChange) => void;
}

export function createRegistry({ leases, clock, replicateToPeers }: RegistryOptions): Registry {
  function propagate(isApplied: boolean, origin: Origin, change: PendingChange): void {
    if (isApplied && origin === 'client') replicateToPeers(change);
  }

  return {
    leases,
    now: clock,

    register(instance, origin) {
      const outcome =
        origin === 'peer'
          ? leases.register(beneathOverride(instance), clock(), { mayMove: true })
          : leases.register(instance, clock());
      const id = instance.instanceId ?? instance.hostName;
      propagate(outcome === 'registered', origin, { action: 'Register', app: instance.app, id });
      return outcome;
    },

    renew(app, id, lastDirtyTimestamp, origin) {
      const outcome = leases.renew(app, id, clock(), lastDirtyTimestamp);
      if (outcome === 'ahead') return 'ahead';
      const isKnown = outcome === 'renewed' || outcome === 'older';
      propagate(isKnown, origin, { action: 'Heartbeat', app, id });
      return isKnown ? 'renewed' : 'unknown';
    },

    cancel(app, id, origin) {
      const instance = leases.of(app, id);
      const isKnown = leases.cancel(app, id, clock());
      const lastDirtyTimestamp = Number(instance?.lastDirtyTimestamp ?? 0);
      propagate(isKnown, origin, { action: 'Cancel', app, id, lastDirtyTimestamp });
      return isKnown;
    },

    override(app, id, status, origin) {
      const isKnown = leases.override(app, id, status, clock());
      propagate(isKnown, origin, { action: 'StatusUpdate', app, id, status });
      return isKnown;
    },

    removeOverride(app, id, status, origin) {
      const isKnown = leases.removeOverride(app, id, status, clock());
      propagate(isKnown, origin, { action: 'DeleteStatusOverride', app, id });
      return isKnown;
    },

    addMetadata(app, id, entries, origin) {
      const outcome = leases.addMetadata(app, id, entries, clock());
      propagate(outcome === 'added', origin, { action: 'Register', app, id });
      return outcome;
    },

    apply: (entry) => applyReplication(leases, entry, clock()),
    evictExpired: () => leases.evictExpired(clock()),
    recentChanges: () => leases.recentChanges(clock()),
    isPreserving: () => leases.isPreserving(clock()),
  };
}
