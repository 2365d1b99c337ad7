/** Starts a registry on a real socket, for one test. */
import { basicAuthorization, createLogger, OPERATOR_USER, PEER_USER, type RegistryUsers } from '@daybook/service';
import { onTestFinished } from 'vitest';
import { normalizeName } from './access.ts';
import { buildApp, type RegistryAppOptions } from './app.ts';
import { REPLICATION_HEADER } from './domain/replication.ts';

export const ID = 'host1:patient-service:8081';
export const APP = 'PATIENT-SERVICE';
export const NOW = 1_700_000_000_000;

/** As a Java client registers, in JSON. */
export const document = {
  instanceId: ID,
  hostName: 'host1',
  app: APP,
  ipAddr: '127.0.0.1',
  status: 'UP',
  overriddenStatus: 'UNKNOWN',
  port: { $: 8081, '@enabled': 'true' },
  securePort: { $: 443, '@enabled': 'false' },
  countryId: 1,
  dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
  leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
  metadata: { zone: 'z1' },
  homePageUrl: 'http://host1:8081/',
  vipAddress: 'patient-service',
  secureVipAddress: 'patient-secure',
  lastUpdatedTimestamp: String(NOW),
  lastDirtyTimestamp: String(NOW),
};

/** The users of each application in the tests, of a peer and of an operator. */
export const users: RegistryUsers = new Map(
  ['patient-service', 'doctor-service', 'billing-service', PEER_USER, OPERATOR_USER].map((name) => [
    name,
    passwordOf(name),
  ]),
);

/** Returns a user's own password. `basicAuthorization` and a URL accept it unescaped. */
export function passwordOf(user: string): string {
  return `password-of-${user}`;
}

export const authorizationOf = (user: string) => ({ authorization: basicAuthorization(user, passwordOf(user)) });

/** Returns the user of a call: a peer, or the application in the path. */
function userOf(path: string, headers: Record<string, string>): string {
  const isReplication = path.startsWith('peerreplication') || headers[REPLICATION_HEADER] === 'true';
  return isReplication ? PEER_USER : normalizeName(decodeURIComponent(path.split('/')[1] ?? ''));
}

export const logger = createLogger({ level: 'silent' });

type Options = Partial<RegistryAppOptions> & { prefix?: string; port?: number };

export const empty = (status: number) => ({ status, text: '', json: undefined });

/** Starts a registry whose clock stands still until a test sets it. */
export async function startRegistry({ prefix = '/eureka', port = 0, ...options }: Options = {}) {
  const time = { now: NOW };
  const clock = () => ({ epochMillis: time.now, awakeMillis: time.now });
  const app = await buildApp({ logger, clock, users, ...options });
  onTestFinished(() => app.close());
  const origin = await app.listen({ host: '127.0.0.1', port });
  const base = `${origin}${prefix}`;

  const fetchPath = (method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer) =>
    fetch(`${base}/${path}`, {
      method,
      headers: { ...(method !== 'GET' && authorizationOf(userOf(path, headers))), ...headers },
      ...(body !== undefined && { body: new Uint8Array(Buffer.from(body)) }),
      signal: AbortSignal.timeout(5_000),
    });
  const call = async (method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer) => {
    const response = await fetchPath(method, path, { accept: 'application/json', ...headers }, body);
    const text = await response.text();
    return { status: response.status, text, json: text === '' ? undefined : JSON.parse(text) };
  };
  const register = (instance: object = document, path = `apps/${APP}`, headers: Record<string, string> = {}) =>
    call('POST', path, { 'content-type': 'application/json', ...headers }, JSON.stringify({ instance }));
  const statusOf = async (id = ID): Promise<string | undefined> =>
    (await call('GET', `instances/${id}`)).json?.instance.status;
  return { app, origin, base, port: Number(new URL(origin).port), time, fetchPath, call, register, statusOf };
}
