/** An instance as a registry lists it. Others wrote it, so a fault affects that instance only. */
import type { Instance } from '../discovery.ts';
import { hostInUrl } from './eureka-instance.ts';

export interface ListedInstance {
  /** Application and id; a change refers to it. */
  readonly key: string;
  /** The status that the registry counts by. It is `?` when missing, which a registry never counts. */
  readonly status: string;
  /** How to call the instance; undefined when it is not UP or cannot be read. */
  readonly instance: Instance | undefined;
  /** Why it cannot be read. */
  readonly fault: string | undefined;
}

const NO_STATUS = '?';
/** No valid name is longer; a host name has at most 253 characters. */
const MAX_NAME_LENGTH = 500;
const MAX_HOST_LENGTH = 253;
const MAX_METADATA_ENTRIES = 200;
const MAX_METADATA_LENGTH = 2_000;

/** Parses an entry; undefined when the instance cannot be identified. */
export function readListed(entry: unknown, application: unknown): ListedInstance | undefined {
  if (!isObject(entry)) return undefined;
  const { app = application } = entry;
  const instanceId = isName(entry.instanceId) ? entry.instanceId : entry.hostName;
  if (!isName(instanceId) || !isName(app)) return undefined;
  const key = `${app.toUpperCase()}/${instanceId}`;
  if (!isName(entry.status)) return { key, status: NO_STATUS, instance: undefined, fault: 'an instance has no status' };
  const { status } = entry;
  if (status !== 'UP') return { key, status, instance: undefined, fault: undefined };
  const read = readInstance(entry, instanceId, app);
  return typeof read === 'string'
    ? { key, status, instance: undefined, fault: read }
    : { key, status, instance: read, fault: undefined };
}

/** Returns the instance, or why it cannot be called. */
function readInstance(entry: Readonly<Record<string, unknown>>, instanceId: string, app: string): Instance | string {
  const { hostName, vipAddress = app } = entry;
  if (!isName(vipAddress)) return 'an instance has no vipAddress';
  const url = urlOf(hostName, entry.port, entry.securePort);
  if (url === undefined) return 'an instance cannot be dialled';
  return { instanceId, serviceId: vipAddress.toLowerCase(), url, metadata: readMetadata(entry.metadata) };
}

function urlOf(hostName: unknown, plain: unknown, secure: unknown): string | undefined {
  const plainPort = enabledPort(plain);
  const port = plainPort ?? enabledPort(secure);
  if (port === undefined || typeof hostName !== 'string' || hostName.length > MAX_HOST_LENGTH) return undefined;
  // Accepts a host only, so that an instance cannot add user, path or query to the dialed URL.
  if (!/^[\w.:-]+$/.test(hostName)) return undefined;
  const scheme = plainPort === undefined ? 'https' : 'http';
  return URL.parse(`${scheme}://${hostInUrl(hostName)}:${port}`)?.origin;
}

/**
 * Returns an enabled port. Java writes `{"$":8081,"@enabled":"true"}`; other clients write a boolean flag or the number
 * as text.
 */
function enabledPort(port: unknown): number | undefined {
  if (!isObject(port)) return undefined;
  const { $: written, '@enabled': enabled } = port;
  if (enabled !== 'true' && enabled !== true) return undefined;
  const number = typeof written === 'string' && /^\d{1,5}$/.test(written) ? Number(written) : written;
  return typeof number === 'number' && Number.isInteger(number) && number > 0 && number < 65_536 ? number : undefined;
}

function readMetadata(metadata: unknown): Readonly<Record<string, string>> {
  if (!isObject(metadata)) return {};
  const texts = Object.entries(metadata).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].length <= MAX_METADATA_LENGTH,
  );
  return Object.fromEntries(texts.filter(([name]) => name !== '@class').slice(0, MAX_METADATA_ENTRIES));
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
