/** This process as Eureka's JSON document. */

/**
 * The statuses that an instance reports. OUT_OF_SERVICE is missing, because only the registry sets it (eureka#1398).
 */
export type LocalStatus = 'STARTING' | 'UP' | 'DOWN';

/** This process, as it registers. */
export interface LocalInstance {
  /** Unique among all instances: `host:patient-service:41234`. */
  readonly instanceId: string;
  /** Lower case: `patient-service`. */
  readonly serviceId: string;
  /** The name or address that callers dial. */
  readonly hostName: string;
  readonly ipAddr: string;
  readonly port: number;
  /** Whether the port speaks TLS. */
  readonly secure?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  /** `UP` by default. */
  readonly status?: LocalStatus;
}

/** The state that changes while the instance runs. */
export interface LocalState {
  readonly status: LocalStatus;
  readonly lastDirtyTimestamp: number;
  readonly renewalIntervalMillis: number;
}

/** A lease survives two missed renewals, like Eureka's own defaults. */
const LEASE_IN_RENEWALS = 3;

/** Returns the body of a registration. The order matters: `@class` comes first in dataCenterInfo (eureka#1310). */
export function toEurekaDocument(local: LocalInstance, state: LocalState) {
  const serviceId = local.serviceId.toLowerCase();
  const { secure = false } = local;
  const origin = `${secure ? 'https' : 'http'}://${hostInUrl(local.hostName)}:${local.port}`;
  const renewalIntervalInSecs = Math.max(1, Math.ceil(state.renewalIntervalMillis / 1000));
  const { metadata = {} } = local;
  return {
    instance: {
      instanceId: local.instanceId,
      hostName: local.hostName,
      app: serviceId.toUpperCase(),
      ipAddr: local.ipAddr,
      status: state.status,
      overriddenStatus: 'UNKNOWN',
      port: { $: secure ? 80 : local.port, '@enabled': String(!secure) },
      securePort: { $: secure ? local.port : 443, '@enabled': String(secure) },
      countryId: 1,
      dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
      leaseInfo: { renewalIntervalInSecs, durationInSecs: renewalIntervalInSecs * LEASE_IN_RENEWALS },
      metadata: Object.keys(metadata).length > 0 ? metadata : { '@class': 'java.util.Collections$EmptyMap' },
      homePageUrl: `${origin}/`,
      statusPageUrl: `${origin}/info`,
      [secure ? 'secureHealthCheckUrl' : 'healthCheckUrl']: `${origin}/health/ready`,
      vipAddress: serviceId,
      secureVipAddress: serviceId,
      lastUpdatedTimestamp: String(state.lastDirtyTimestamp),
      lastDirtyTimestamp: String(state.lastDirtyTimestamp),
    },
  };
}

/** Returns a host for a URL, with an IPv6 address in brackets. */
export const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);
