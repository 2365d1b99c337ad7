/** An instance as Eureka's JSON document, and back. */
import type { Instance } from './discovery.ts';

/** What an instance says of itself. OUT_OF_SERVICE is not among these: it is the registry's to say (eureka#1398). */
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
  readonly metadata?: Readonly<Record<string, string>>;
  /** `UP` when left out. */
  readonly status?: LocalStatus;
}

/** What changes while the instance lives. */
export interface LocalState {
  readonly status: LocalStatus;
  readonly lastDirtyTimestamp: number;
  readonly renewalIntervalMillis: number;
}

/** A lease outlives two missed renewals, as Eureka's own defaults do. */
const LEASE_IN_RENEWALS = 3;

/** The body of a registration. The order matters: `@class` comes first in dataCenterInfo (eureka#1310). */
export function toEurekaDocument(local: LocalInstance, state: LocalState) {
  const serviceId = local.serviceId.toLowerCase();
  const origin = `http://${hostInUrl(local.hostName)}:${local.port}`;
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
      port: { $: local.port, '@enabled': 'true' },
      securePort: { $: 443, '@enabled': 'false' },
      countryId: 1,
      dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
      leaseInfo: { renewalIntervalInSecs, durationInSecs: renewalIntervalInSecs * LEASE_IN_RENEWALS },
      metadata: Object.keys(metadata).length > 0 ? metadata : { '@class': 'java.util.Collections$EmptyMap' },
      homePageUrl: `${origin}/`,
      statusPageUrl: `${origin}/info`,
      healthCheckUrl: `${origin}/health/ready`,
      vipAddress: serviceId,
      secureVipAddress: serviceId,
      lastUpdatedTimestamp: String(state.lastDirtyTimestamp),
      lastDirtyTimestamp: String(state.lastDirtyTimestamp),
    },
  };
}

/**
 * The instances that are UP in an answer to `GET apps/`, by service id. One that cannot be read is left out and
 * reported; a document that is no list of applications at all throws.
 */
export function readApplications(
  document: unknown,
  onUnreadable: (reason: string) => void,
): ReadonlyMap<string, readonly Instance[]> {
  const applications = isObject(document) ? document.applications : undefined;
  if (!isObject(applications)) throw new Error('The registry did not answer with a list of applications.');
  const byService = new Map<string, Instance[]>();
  for (const application of listOf(applications.application)) {
    if (!isObject(application)) {
      onUnreadable('an application is not an object');
      continue;
    }
    for (const entry of listOf(application.instance)) {
      const read = readInstance(entry);
      if (typeof read === 'string') onUnreadable(read);
      else if (read) byService.set(read.serviceId, [...(byService.get(read.serviceId) ?? []), read]);
    }
  }
  return byService;
}

/** The instance; why it cannot be read; or undefined when it is well but not UP. */
function readInstance(entry: unknown): Instance | string | undefined {
  if (!isObject(entry)) return 'an instance is not an object';
  const { hostName, instanceId = hostName, app, vipAddress = app, status, metadata } = entry;
  if (typeof hostName !== 'string' || hostName === '') return 'an instance has no hostName';
  if (typeof instanceId !== 'string' || instanceId === '') return 'an instance has no instanceId';
  if (typeof vipAddress !== 'string' || vipAddress === '') return 'an instance has no vipAddress';
  if (typeof status !== 'string') return 'an instance has no status';
  if (status !== 'UP') return undefined;
  const url = urlOf(hostName, entry.port, entry.securePort);
  if (url === undefined) return 'an instance cannot be dialled';
  return { instanceId, serviceId: vipAddress.toLowerCase(), url, metadata: readMetadata(metadata) };
}

function urlOf(hostName: string, plain: unknown, secure: unknown): string | undefined {
  const plainPort = enabledPort(plain);
  const port = plainPort ?? enabledPort(secure);
  // Only a host: nothing that an instance says of itself may add user, path or query to what is dialled.
  if (port === undefined || !/^[\w.:-]+$/.test(hostName)) return undefined;
  const scheme = plainPort === undefined ? 'https' : 'http';
  return URL.parse(`${scheme}://${hostInUrl(hostName)}:${port}`)?.origin;
}

/** Java writes `{"$":8081,"@enabled":"true"}`; other clients write the flag as a boolean or the number as text. */
function enabledPort(port: unknown): number | undefined {
  if (!isObject(port) || String(port['@enabled']) !== 'true') return undefined;
  const number = Number(port.$);
  return Number.isInteger(number) && number > 0 && number < 65_536 ? number : undefined;
}

function readMetadata(metadata: unknown): Readonly<Record<string, string>> {
  if (!isObject(metadata)) return {};
  const texts = Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts.filter(([name]) => name !== '@class'));
}

const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What Java's codecs write as one object when there is one, and as an array when there are more. */
const listOf = (value: unknown): readonly unknown[] => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
};
