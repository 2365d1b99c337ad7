/** Who is registered, until when, and how they are. In memory and without a clock. */
import {
  appOf,
  fixedPartOf,
  idOf,
  type LeaseTimes,
  leaseTimesOf,
  MAX_METADATA_ENTRIES,
  type Registration,
  type Status,
} from './instance.ts';

/** An instance as it is answered. */
export type InstanceDocument = ReturnType<typeof documentOf>;

/** Now, by both clocks: leases must not end because somebody set the one that answers show. */
export interface Moment {
  /** For the protocol's timestamps. */
  readonly epochMillis: number;
  /** For the length of leases: only ever goes on. */
  readonly awakeMillis: number;
}

export interface Leases {
  /** Takes the place of an earlier registration with the same id; an override stays. */
  register(registration: Registration, now: Moment): 'registered' | 'full';
  /** False when the instance is unknown, or knows of a change of its own that it has not registered here. */
  renew(app: string, id: string, now: Moment, lastDirtyTimestamp?: number): boolean;
  cancel(app: string, id: string): boolean;
  override(app: string, id: string, status: Status, now: Moment): boolean;
  /** The instance's own word counts again; `status`, when given, stands for it until it registers anew. */
  removeOverride(app: string, id: string, status: Status | undefined, now: Moment): boolean;
  addMetadata(
    app: string,
    id: string,
    entries: Readonly<Record<string, string>>,
    now: Moment,
  ): 'added' | 'unknown' | 'full';
  /** Removes every lease that was not renewed in time and says whose they were. */
  evictExpired(awakeMillis: number): { app: string; id: string }[];
  all(): InstanceDocument[];
  of(app: string, id: string): InstanceDocument | undefined;
}

interface Lease {
  readonly fixed: ReturnType<typeof fixedPartOf>;
  readonly times: LeaseTimes;
  readonly registeredAt: number;
  readonly lastDirtyTimestamp: number;
  reported: Status;
  override: Status | undefined;
  metadata: Readonly<Record<string, string>>;
  renewedAt: Moment;
  serviceUpAt: number;
  updatedAt: number;
  actionType: 'ADDED' | 'MODIFIED';
}

const MAX_INSTANCES = 10_000;

export function createLeases({ maxInstances = MAX_INSTANCES }: { maxInstances?: number } = {}): Leases {
  const leases = new Map<string, Lease>();
  const find = (app: string, id: string): Lease | undefined => leases.get(keyOf(app, id));

  function change(app: string, id: string, now: Moment, apply: (lease: Lease) => void): boolean {
    const lease = find(app, id);
    if (!lease) return false;
    apply(lease);
    lease.updatedAt = now.epochMillis;
    lease.actionType = 'MODIFIED';
    return true;
  }

  return {
    register(registration, now) {
      const key = keyOf(appOf(registration), idOf(registration));
      const earlier = leases.get(key);
      if (!earlier && leases.size >= maxInstances) return 'full';
      leases.set(key, leaseOf(registration, now, earlier));
      return 'registered';
    },

    renew(app, id, now, lastDirtyTimestamp = 0) {
      const lease = find(app, id);
      if (!lease) return false;
      lease.renewedAt = now;
      return lastDirtyTimestamp <= lease.lastDirtyTimestamp;
    },

    cancel: (app, id) => leases.delete(keyOf(app, id)),

    override: (app, id, status, now) =>
      change(app, id, now, (lease) => {
        lease.override = status;
      }),

    removeOverride: (app, id, status, now) =>
      change(app, id, now, (lease) => {
        lease.override = undefined;
        lease.reported = status ?? lease.reported;
      }),

    addMetadata(app, id, entries, now) {
      const metadata = { ...find(app, id)?.metadata, ...entries };
      if (Object.keys(metadata).length > MAX_METADATA_ENTRIES) return 'full';
      const known = change(app, id, now, (lease) => {
        lease.metadata = metadata;
      });
      return known ? 'added' : 'unknown';
    },

    evictExpired(awakeMillis) {
      const expired = [...leases].filter(
        ([, lease]) => lease.renewedAt.awakeMillis + lease.times.durationInSecs * 1000 < awakeMillis,
      );
      for (const [key] of expired) leases.delete(key);
      return expired.map(([, { fixed }]) => ({ app: fixed.app, id: fixed.instanceId }));
    },

    all: () => [...leases.values()].map(documentOf),

    of(app, id) {
      const lease = find(app, id);
      return lease && documentOf(lease);
    },
  };
}

/** A slash cannot be in an application's name as a path has it. */
const keyOf = (app: string, id: string): string => `${app.toUpperCase()}/${id}`;

function leaseOf(registration: Registration, now: Moment, earlier: Lease | undefined): Lease {
  const { status = 'UP', overriddenStatus = 'UNKNOWN', metadata = {}, lastDirtyTimestamp } = registration;
  const { epochMillis } = now;
  const { '@class': _class, ...entries } = metadata;
  return {
    fixed: fixedPartOf(registration),
    times: leaseTimesOf(registration),
    registeredAt: epochMillis,
    lastDirtyTimestamp: Number(lastDirtyTimestamp ?? epochMillis),
    reported: status,
    override: earlier?.override ?? (overriddenStatus === 'UNKNOWN' ? undefined : overriddenStatus),
    metadata: entries,
    renewedAt: now,
    serviceUpAt: earlier?.serviceUpAt || (status === 'UP' ? epochMillis : 0),
    updatedAt: epochMillis,
    actionType: 'ADDED',
  };
}

/** An override speaks for an instance that is well, and never makes one that is not ready look so. */
function statusOf({ reported, override }: Lease): Status {
  const isWell = reported === 'UP' || reported === 'OUT_OF_SERVICE';
  return isWell ? (override ?? reported) : reported;
}

function documentOf(lease: Lease) {
  const { fixed, metadata } = lease;
  return {
    ...fixed,
    status: statusOf(lease),
    overriddenStatus: lease.override ?? 'UNKNOWN',
    leaseInfo: {
      ...lease.times,
      registrationTimestamp: lease.registeredAt,
      lastRenewalTimestamp: lease.renewedAt.epochMillis,
      evictionTimestamp: 0,
      serviceUpTimestamp: lease.serviceUpAt,
    },
    metadata: Object.keys(metadata).length > 0 ? metadata : { '@class': 'java.util.Collections$EmptyMap' },
    lastUpdatedTimestamp: String(lease.updatedAt),
    lastDirtyTimestamp: String(lease.lastDirtyTimestamp),
    actionType: lease.actionType,
  };
}
