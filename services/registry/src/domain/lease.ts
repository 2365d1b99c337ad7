/** Defines a lease, which is one instance's place in the registry, and its document in responses. */
import { fixedPartOf, type LeaseTimes, leaseTimesOf, type Registration, type Status, textsOf } from './instance.ts';

/** The current time by both clocks. Leases must not end because the wall clock was set. */
export interface Moment {
  /** For the protocol's timestamps. */
  readonly epochMillis: number;
  /** For the length of leases. Never goes back. */
  readonly awakeMillis: number;
}

/** An instance as it appears in responses. */
export type InstanceDocument = ReturnType<typeof documentOf>;

export type Action = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Lease {
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
  actionType: Action;
}

export function leaseOf(registration: Registration, now: Moment, earlier: Lease | undefined): Lease {
  const { status = 'UP', overriddenStatus = 'UNKNOWN', lastDirtyTimestamp } = registration;
  const { epochMillis } = now;
  return {
    fixed: fixedPartOf(registration),
    times: leaseTimesOf(registration),
    registeredAt: epochMillis,
    lastDirtyTimestamp: Number(lastDirtyTimestamp ?? epochMillis),
    reported: status,
    override: earlier?.override ?? (overriddenStatus === 'UNKNOWN' ? undefined : overriddenStatus),
    metadata: textsOf(registration.metadata),
    renewedAt: now,
    serviceUpAt: earlier?.serviceUpAt || (status === 'UP' ? epochMillis : 0),
    updatedAt: epochMillis,
    actionType: 'ADDED',
  };
}

/** Returns the status. An override applies to a healthy instance only, and never makes an unready one appear ready. */
export function statusOf({ reported, override }: Lease): Status {
  const isWell = reported === 'UP' || reported === 'OUT_OF_SERVICE';
  return isWell ? (override ?? reported) : reported;
}

export const isExpired = ({ renewedAt, times }: Lease, awakeMillis: number): boolean =>
  renewedAt.awakeMillis + times.durationInSecs * 1000 < awakeMillis;

/** Returns whether two leases of one instance have different addresses. */
export function hasDifferentAddress({ fixed: one }: Lease, { fixed: other }: Lease): boolean {
  const isSamePort = (name: 'port' | 'securePort') =>
    one[name].$ === other[name].$ && one[name]['@enabled'] === other[name]['@enabled'];
  const isSame = one.hostName === other.hostName && one.ipAddr === other.ipAddr;
  return !(isSame && isSamePort('port') && isSamePort('securePort'));
}

export function documentOf(lease: Lease) {
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
