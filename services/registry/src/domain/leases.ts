/** Holds the registered instances, the ends of their leases and their statuses. Works in memory and without a clock. */
import {
  appOf,
  idOf,
  MAX_METADATA_ENTRIES,
  type Metadata,
  type Registration,
  type Status,
  textsOf,
} from './instance.ts';
import {
  type Action,
  documentOf,
  hasDifferentAddress,
  type InstanceDocument,
  isExpired,
  type Lease,
  leaseOf,
  type Moment,
} from './lease.ts';
import { createLeaseCounts } from './lease-counts.ts';
import { createRecentChanges } from './recent-changes.ts';
import { createSelfPreservation } from './self-preservation.ts';

/** `ahead`: the change is dated in the future. `moved`: the address differs from that of the live lease. */
export type RegisterOutcome = 'registered' | 'full' | 'ahead' | 'moved';
export type RenewOutcome = 'renewed' | 'unknown' | 'newer' | 'older' | 'ahead';

export interface Leases {
  /**
   * Registers an instance. Replaces an earlier registration with the same id, unless that has a later change. An
   * override stays. A live instance keeps its address, so that another cannot take its place. With `mayMove`, another
   * registry has already decided on the new address. A registry that did not follow would keep a dead instance.
   */
  register(registration: Registration, now: Moment, options?: { mayMove: boolean }): RegisterOutcome;
  /**
   * Renews a lease. Returns `newer` when the instance knows of a later change of its own, `older` for an earlier one. A
   * newer instance must register again before it can renew.
   */
  renew(app: string, id: string, now: Moment, lastDirtyTimestamp?: number): RenewOutcome;
  /**
   * Returns whether a timestamp is too far in the future for a clock difference. The timestamp of the registration is
   * exempt.
   */
  isAhead(app: string, id: string, now: Moment, lastDirtyTimestamp: number | undefined): boolean;
  /** Cancels a lease. With a timestamp, cancels it only if it has not changed since. */
  cancel(app: string, id: string, now: Moment, lastDirtyTimestamp?: number): boolean;
  override(app: string, id: string, status: Status, now: Moment): boolean;
  /** Removes an override. `status`, if present, applies until the instance registers again. */
  removeOverride(app: string, id: string, status: Status | undefined, now: Moment): boolean;
  addMetadata(app: string, id: string, entries: Metadata, now: Moment): 'added' | 'unknown' | 'full';
  /** Removes leases that were not renewed in time. Returns their instances. */
  evictExpired(now: Moment): { app: string; id: string }[];
  all(): InstanceDocument[];
  where(matches: (fixed: Lease['fixed']) => boolean): InstanceDocument[];
  of(app: string, id: string): InstanceDocument | undefined;
  recentChanges(now: Moment): InstanceDocument[];
  /** Returns the hash of the whole list, for clients with a copy. */
  hash(): string;
  /** Returns a number that rises with every change. */
  version(): number;
  /** Returns whether evictions are suspended because renewals are missing. */
  isPreserving(now: Moment): boolean;
}

export interface LeasesOptions {
  maxInstances?: number;
  selfPreservation?: boolean;
  /** Called after each change of the list. A renewal is not a change. */
  onChange?: (action: Action, instance: () => InstanceDocument) => void;
}

const MAX_INSTANCES = 10_000;
/** How far the clock of an instance may be ahead of the registry's. A later date could never be replaced. */
const MAX_AHEAD_MILLIS = 60_000;

/** Shuffles the items, so that evictions do not remove a whole application. */
const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, weight: Math.random() }))
    .sort((a, b) => a.weight - b.weight)
    .map(({ item }) => item);

/** Returns a unique key, because an application's name cannot contain a slash in a path. */
const keyOf = (app: string, id: string): string => `${app.toUpperCase()}/${id}`;

export function createLeases(options: LeasesOptions = {}): Leases {
  const { maxInstances = MAX_INSTANCES, selfPreservation = false, onChange } = options;
  const leases = new Map<string, Lease>();
  const counts = createLeaseCounts();
  const recent = createRecentChanges(2 * maxInstances);
  const preservation = createSelfPreservation();
  let version = 1;
  const find = (app: string, id: string): Lease | undefined => leases.get(keyOf(app, id));

  /** Returns whether a change is too far in the future. A lease dated before the clock was set back stays valid. */
  function isAhead(earlier: Lease | undefined, now: Moment, lastDirtyTimestamp: number): boolean {
    return (
      lastDirtyTimestamp > now.epochMillis + MAX_AHEAD_MILLIS && lastDirtyTimestamp !== earlier?.lastDirtyTimestamp
    );
  }

  function recordChange(lease: Lease, actionType: Action, now: Moment): void {
    lease.actionType = actionType;
    lease.updatedAt = now.epochMillis;
    version += 1;
    recent.add(keyOf(lease.fixed.app, lease.fixed.instanceId), lease, now.awakeMillis);
    onChange?.(actionType, () => documentOf(lease));
  }

  function update(app: string, id: string, now: Moment, apply: (lease: Lease) => void): boolean {
    const lease = find(app, id);
    if (!lease) return false;
    counts.remove(lease);
    apply(lease);
    counts.add(lease);
    recordChange(lease, 'MODIFIED', now);
    return true;
  }

  function remove(key: string, lease: Lease, now: Moment): void {
    leases.delete(key);
    counts.remove(lease);
    recordChange(lease, 'DELETED', now);
  }

  function dueForEviction(now: Moment): [string, Lease][] {
    const expired = [...leases].filter(([, lease]) => isExpired(lease, now.awakeMillis));
    if (!selfPreservation || expired.length === 0) return expired;
    const limit = preservation.evictionAllowance(leases.size, counts.expectedRenewalsPerMinute(), now.awakeMillis);
    if (expired.length <= limit) return expired;
    return shuffled(expired).slice(0, limit);
  }

  return {
    isAhead: (app, id, now, lastDirtyTimestamp = 0) => isAhead(find(app, id), now, lastDirtyTimestamp),

    register(registration, now, { mayMove } = { mayMove: false }) {
      const key = keyOf(appOf(registration), idOf(registration));
      const earlier = leases.get(key);
      if (!earlier && leases.size >= maxInstances) return 'full';
      const lease = leaseOf(registration, now, earlier);
      if (isAhead(earlier, now, lease.lastDirtyTimestamp)) return 'ahead';
      if (!mayMove && earlier && !isExpired(earlier, now.awakeMillis) && hasDifferentAddress(earlier, lease))
        return 'moved';
      if (earlier && earlier.lastDirtyTimestamp > lease.lastDirtyTimestamp) {
        earlier.renewedAt = now;
        return 'registered';
      }
      if (earlier) counts.remove(earlier);
      leases.set(key, lease);
      counts.add(lease);
      recordChange(lease, 'ADDED', now);
      return 'registered';
    },

    renew(app, id, now, lastDirtyTimestamp) {
      const lease = find(app, id);
      if (!lease) return 'unknown';
      const { lastDirtyTimestamp: known } = lease;
      if (isAhead(lease, now, lastDirtyTimestamp ?? known)) return 'ahead';
      preservation.renewed(now.awakeMillis);
      const difference = (lastDirtyTimestamp ?? known) - known;
      if (difference > 0) return 'newer';
      lease.renewedAt = now;
      return difference === 0 ? 'renewed' : 'older';
    },

    cancel(app, id, now, lastDirtyTimestamp = Number.POSITIVE_INFINITY) {
      const lease = find(app, id);
      if (!lease || lease.lastDirtyTimestamp > lastDirtyTimestamp) return false;
      remove(keyOf(app, id), lease, now);
      return true;
    },

    override: (app, id, status, now) =>
      update(app, id, now, (lease) => {
        lease.override = status;
      }),

    removeOverride: (app, id, status, now) =>
      update(app, id, now, (lease) => {
        lease.override = undefined;
        lease.reported = status ?? lease.reported;
      }),

    addMetadata(app, id, entries, now) {
      const metadata = { ...find(app, id)?.metadata, ...textsOf(entries) };
      if (Object.keys(metadata).length > MAX_METADATA_ENTRIES) return 'full';
      const known = update(app, id, now, (lease) => {
        lease.metadata = metadata;
      });
      return known ? 'added' : 'unknown';
    },

    evictExpired(now) {
      const due = dueForEviction(now);
      for (const [key, lease] of due) remove(key, lease, now);
      preservation.evicted(due.length);
      return due.map(([, { fixed }]) => ({ app: fixed.app, id: fixed.instanceId }));
    },

    all: () => [...leases.values()].map(documentOf),

    where: (matches) => [...leases.values()].filter(({ fixed }) => matches(fixed)).map(documentOf),

    of(app, id) {
      const lease = find(app, id);
      return lease && documentOf(lease);
    },

    recentChanges: (now) => recent.since(now.awakeMillis),

    hash: counts.hash,
    version: () => version,

    isPreserving: (now) =>
      selfPreservation &&
      leases.size > 0 &&
      preservation.isBelowThreshold(counts.expectedRenewalsPerMinute(), now.awakeMillis),
  };
}
