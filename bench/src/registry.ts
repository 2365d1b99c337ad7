/** Measures the registry alone, as its own process, with many instances. About twenty seconds. */
import { gunzipSync } from 'node:zlib';
import { authorizationOf, registryUsersVariable, startDaybook, temporaryFolder } from '@daybook/testing';
import { Agent } from 'undici';
import { type Measured, measure } from './load.ts';
import { residentMegabytes } from './start.ts';

interface RegistryFigures {
  readonly emptyMegabytes: number;
  readonly fullMegabytes: number;
  readonly registrations: Measured;
  readonly renewals: Measured;
  /** The whole list, serialized again for each request, because each follows a change. */
  readonly list: Measured & { readonly megabytes: number };
  readonly zippedList: Measured & { readonly megabytes: number };
  /** The delta of a hundred changes. */
  readonly delta: Measured & { readonly megabytes: number };
}

const INSTANCES = 10_000;
const SERVICES = 100;
/**
 * Registered first, for the delta. Its size depends on recent changes, and waiting three minutes would take too long.
 */
const CHANGES = 100;
const RENEWALS = 20_000;
const LISTS = 10;
const IN_FLIGHT = 16;
const DEADLINE_MILLIS = 10_000;
const JSON_ONLY = { accept: 'application/json' };

const appOf = (n: number): string => `SERVICE-${n % SERVICES}`;

function registration(n: number) {
  const app = appOf(n);
  const id = `host-${n}.example:${app.toLowerCase()}:8080`;
  const hostName = `host-${n}.example`;
  const instance = {
    ...{ instanceId: id, hostName, app, ipAddr: '10.0.0.1', status: 'UP', overriddenStatus: 'UNKNOWN' },
    port: { $: 8080, '@enabled': 'true' },
    securePort: { $: 443, '@enabled': 'false' },
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 3600 },
    metadata: { 'management.port': '8080', zone: `zone-${n % 3}`, version: '1.4.0' },
    homePageUrl: `http://${hostName}:8080/`,
    statusPageUrl: `http://${hostName}:8080/actuator/info`,
    healthCheckUrl: `http://${hostName}:8080/actuator/health`,
    ...{ vipAddress: app.toLowerCase(), secureVipAddress: app.toLowerCase(), lastDirtyTimestamp: '1' },
  };
  return { path: `/eureka/apps/${app}`, id, body: JSON.stringify({ instance }) };
}

async function measureRegistry(): Promise<RegistryFigures> {
  await using folder = await temporaryFolder();
  const system = await startDaybook({
    data: folder.path,
    service: 'registry',
    environment: { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: '0' },
  });
  const agent = new Agent({ connections: IN_FLIGHT, headersTimeout: DEADLINE_MILLIS, bodyTimeout: DEADLINE_MILLIS });

  async function call(method: 'GET' | 'POST' | 'PUT', path: string, headers = {}, body: string | null = null) {
    const response = await agent.request({
      ...{ origin: system.url, path, method, body },
      // The user that may register under any name.
      headers: method === 'GET' ? headers : { ...headers, ...authorizationOf('peer') },
    });
    const bytes = Buffer.from(await response.body.arrayBuffer());
    if (response.statusCode >= 300) throw new Error(`${method} ${path} returned ${response.statusCode}`);
    return bytes;
  }

  async function register(n: number): Promise<void> {
    const { path, body } = registration(n % INSTANCES);
    await call('POST', path, { 'content-type': 'application/json' }, body);
  }

  async function renew(n: number): Promise<void> {
    const { path, id } = registration(n % INSTANCES);
    await call('PUT', `${path}/${encodeURIComponent(id)}?status=UP&lastDirtyTimestamp=1`);
  }

  /** Fetches after a change each time, because the registry would resend its previous response otherwise. */
  async function fetches(path: string, headers: object): Promise<Measured & { megabytes: number }> {
    let bytes = 0;
    const durations = await measure(LISTS, 1, async (n) => {
      await register(n);
      const response = await call('GET', path, { ...JSON_ONLY, ...headers });
      if ('accept-encoding' in headers) gunzipSync(response);
      bytes = response.length;
    });
    return { ...durations, megabytes: bytes / 1e6 };
  }

  try {
    const emptyMegabytes = await residentMegabytes(system);
    await measure(CHANGES, IN_FLIGHT, register);
    const delta = await fetches('/eureka/apps/delta', {});
    const registrations = await measure(INSTANCES, IN_FLIGHT, register);
    const renewals = await measure(RENEWALS, IN_FLIGHT, renew);
    const fullMegabytes = await residentMegabytes(system);
    return {
      ...{ emptyMegabytes, fullMegabytes, registrations, renewals },
      list: await fetches('/eureka/apps/', {}),
      zippedList: await fetches('/eureka/apps/', { 'accept-encoding': 'gzip' }),
      delta,
    };
  } finally {
    await agent.close();
    await system.end();
  }
}

export async function reportRegistry(line: (name: string, value: string) => void): Promise<void> {
  const { emptyMegabytes, fullMegabytes, registrations, renewals, list, zippedList, delta } = await measureRegistry();
  const rate = ({ perSecond, p99Millis }: Measured) => `${perSecond.toFixed(0)}/s   p99 ${p99Millis.toFixed(1)} ms`;
  const size = ({ p50Millis, megabytes }: Measured & { megabytes: number }) =>
    `p50 ${p50Millis.toFixed(1)} ms   ${megabytes.toFixed(2)} MB`;
  line(
    `registry: memory with ${INSTANCES} instances`,
    `${fullMegabytes.toFixed(0)} MB resident, ${emptyMegabytes.toFixed(0)} MB without`,
  );
  line(`registry: registrations, ${IN_FLIGHT} in flight`, rate(registrations));
  line(`registry: renewals, ${IN_FLIGHT} in flight`, rate(renewals));
  line('registry: the whole list as JSON, after a change', size(list));
  line('registry: the same with gzip', size(zippedList));
  line(`registry: a delta of ${CHANGES} changes`, size(delta));
}
