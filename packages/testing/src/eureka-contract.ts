/**
 * The contract between our client and any Eureka server. A Vitest suite, called with a running server. A server that
 * caches its responses shows changes when its cache expires. Pass that time as `patienceMillis`. Alternatively, set
 * `eureka.server.use-read-only-response-cache=false` in Spring's server.
 */
import { createEurekaClient, type EurekaClient, type LocalInstance } from '@daybook/discovery';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type ExchangeRecorder, startExchangeRecorder } from './exchange-recorder.ts';
import { type FaultProxy, openFaultProxyTo } from './fault-proxy.ts';
import { authorizationFor, CONTRACT_APPLICATIONS, eurekaUrlOf } from './registry-users.ts';

export interface EurekaContractOptions {
  /** How long the server may take to show one client's change to another. */
  patienceMillis?: number;
}

const INTERVAL_MILLIS = 100;
/** One fetch, and one more when a change comes between two related responses. */
const FEW_WHOLE_LISTS = 2;

let taken = 0;

/** Creates an instance with a unique service and port. */
function createLocal(): LocalInstance {
  const serviceId = CONTRACT_APPLICATIONS[taken++ % CONTRACT_APPLICATIONS.length] ?? '';
  const instanceId = `127.0.0.1:${serviceId}:4001`;
  const metadata = { zone: 'z1' };
  return { instanceId, serviceId, hostName: '127.0.0.1', ipAddr: '127.0.0.1', port: 4001, metadata };
}

/** `base` is the server's base URL, such as `http://127.0.0.1:8761/eureka`. */
const pathOf = (base: string, { serviceId, instanceId }: LocalInstance): string =>
  `${base}/apps/${serviceId.toUpperCase()}/${encodeURIComponent(instanceId)}`;

/**
 * Returns whether a removed override is stuck, a race of Netflix's server. A renewal at the moment of the removal has
 * read the override and writes it back. It then stays, although no client set it.
 */
async function isOverrideStuck(url: string): Promise<boolean> {
  const response = await fetch(url, { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(5_000) });
  const { instance }: { instance: { status: string; overriddenStatus: string } } = JSON.parse(await response.text());
  return instance.status === 'OUT_OF_SERVICE' && instance.overriddenStatus === 'UNKNOWN';
}

async function call(method: string, url: string, body?: object): Promise<number> {
  const response = await fetch(url, {
    method,
    headers: {
      accept: 'application/json',
      ...authorizationFor(url),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5_000),
  });
  await response.text();
  return response.status;
}

/** Returns the registration of another vendor's program, with a host that cannot be dialed. */
const foreignDocument = ({ serviceId, instanceId }: LocalInstance) => ({
  instance: {
    instanceId: `${instanceId}:foreign`,
    hostName: 'host/path',
    app: serviceId.toUpperCase(),
    ipAddr: '127.0.0.1',
    vipAddress: serviceId,
    status: 'UP',
    overriddenStatus: 'UNKNOWN',
    port: { $: 8080, '@enabled': 'true' },
    securePort: { $: 443, '@enabled': 'false' },
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
  },
});

/** A server whose exchanges are recorded, behind a network that can fail. */
interface RecordedServer extends Pick<ExchangeRecorder, 'url' | 'exchanges'> {
  readonly network: FaultProxy;
}

/** One server, and the clients that use it. */
class Setting {
  readonly #base: string;
  readonly #user: string;
  readonly #clients: EurekaClient[] = [];
  readonly #stack = new AsyncDisposableStack();

  constructor(base: string, user: string) {
    this.#base = base;
    this.#user = user;
  }

  async record(): Promise<RecordedServer> {
    const { url, exchanges } = this.#stack.use(await startExchangeRecorder(this.#base));
    const network = this.#stack.use(await openFaultProxyTo(url));
    return { url: network.through(url), exchanges, network };
  }

  client(servers: readonly string[] = [this.#base]): EurekaClient {
    const client = createEurekaClient({
      servers: servers.map((url) => eurekaUrlOf(this.#user, url)),
      logger: pino({ level: 'silent' }),
      fetchIntervalMillis: INTERVAL_MILLIS,
      renewalIntervalMillis: INTERVAL_MILLIS,
      requestTimeoutMillis: 2_000,
    });
    this.#clients.push(client);
    return client;
  }

  async reader(servers?: readonly string[]): Promise<EurekaClient> {
    const reader = this.client(servers);
    await reader.start();
    return reader;
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.close()));
    await this.#stack.disposeAsync();
  }
}

const countOf = ({ exchanges }: RecordedServer, pattern: RegExp, status?: number): number =>
  exchanges.filter((one) => pattern.test(one.request) && (status === undefined || one.status === status)).length;

const wholeLists = (server: RecordedServer): number => countOf(server, /^GET .*\/apps\/$/);

/** `create` returns the base URL of a running server. It may hold registrations of others. */
export function describeEurekaClient(
  name: string,
  create: () => Promise<{ readonly url: string }>,
  { patienceMillis = 5_000 }: EurekaContractOptions = {},
): void {
  describe(`our client and ${name}:`, { timeout: 30_000 + 4 * patienceMillis }, () => {
    const settings: Setting[] = [];
    const patience = { timeout: patienceMillis, interval: 20 };

    async function begin() {
      const { url } = await create();
      const local = createLocal();
      const setting = new Setting(url, local.serviceId);
      settings.push(setting);
      const found = (client: EurekaClient) => expect.poll(() => client.instancesOf(local.serviceId).length, patience);
      return { url, setting, local, found };
    }

    afterEach(async () => {
      await Promise.all(settings.splice(0).map((setting) => setting.end()));
    });

    it('one finds what another registered, as it registered it', async () => {
      const { setting, local, found } = await begin();
      await setting.client().register(local);
      const reader = await setting.reader();
      await found(reader).toBe(1);
      const { instanceId, serviceId, metadata } = local;
      expect(reader.instancesOf(serviceId)).toEqual([
        { instanceId, serviceId, url: 'http://127.0.0.1:4001', metadata },
      ]);
    });

    it('an instance that is well renews, and registers once', async () => {
      const { setting, local } = await begin();
      const server = await setting.record();
      await setting.client([server.url]).register(local);
      await expect.poll(() => countOf(server, /^PUT /, 200), patience).toBeGreaterThan(2);
      expect(countOf(server, /^PUT /, 404)).toBe(0);
      expect(countOf(server, /^POST /, 204)).toBe(1);
    });

    it('an instance that the server has forgotten registers again', async () => {
      const { url, setting, local, found } = await begin();
      const server = await setting.record();
      await setting.client([server.url]).register(local);
      expect(await call('DELETE', pathOf(url, local))).toBe(200);
      await expect.poll(() => countOf(server, /^POST /, 204), patience).toBe(2);
      expect(countOf(server, /^PUT /, 404)).toBe(1);
      await found(await setting.reader()).toBe(1);
    });

    it('an instance is found only while it reports UP', async () => {
      const { setting, local, found } = await begin();
      const writer = setting.client();
      await writer.register({ ...local, status: 'STARTING' });
      const reader = await setting.reader();
      await found(reader).toBe(0);
      await writer.setStatus('UP');
      await found(reader).toBe(1);
      await writer.setStatus('DOWN');
      await found(reader).toBe(0);
    });

    it('changes are followed without the whole list, although there is an instance that cannot be read', async () => {
      const { url, setting, local, found } = await begin();
      expect(await call('POST', `${url}/apps/${local.serviceId.toUpperCase()}`, foreignDocument(local))).toBe(204);
      const server = await setting.record();
      const reader = await setting.reader([server.url]);
      const writer = setting.client();
      await writer.register(local);
      await found(reader).toBe(1);
      for (const [status, count] of [
        ['DOWN', 0],
        ['UP', 1],
        ['DOWN', 0],
        ['UP', 1],
      ] as const) {
        await writer.setStatus(status);
        await found(reader).toBe(count);
      }
      await writer.close();
      await found(reader).toBe(0);
      const fetched = countOf(server, /^GET .*\/apps\/delta$/, 200);
      await reader.refresh();
      await expect.poll(() => countOf(server, /^GET .*\/apps\/delta$/, 200), patience).toBeGreaterThan(fetched);
      expect(wholeLists(server)).toBeLessThanOrEqual(FEW_WHOLE_LISTS);
      await call('DELETE', `${pathOf(url, local)}:foreign`);
    });

    it('a status that an operator set counts until it is removed', async () => {
      const { url, setting, local, found } = await begin();
      const writer = setting.client();
      await writer.register(local);
      const reader = await setting.reader();
      await found(reader).toBe(1);
      expect(await call('PUT', `${pathOf(url, local)}/status?value=OUT_OF_SERVICE`)).toBe(200);
      await found(reader).toBe(0);
      await writer.setStatus('UP');
      await reader.refresh();
      await found(reader).toBe(0);
      expect(await call('DELETE', `${pathOf(url, local)}/status?value=UP`)).toBe(200);
      await found(reader).toBe(1);
    });

    it('an instance reports its status again when one that an operator set is removed and none is put in its place', async () => {
      const { url, setting, local, found } = await begin();
      await setting.client().register(local);
      const reader = await setting.reader();
      expect(await call('PUT', `${pathOf(url, local)}/status?value=OUT_OF_SERVICE`)).toBe(200);
      await found(reader).toBe(0);
      expect(await call('DELETE', `${pathOf(url, local)}/status`)).toBe(200);
      const foundOnceTakenBack = async () => {
        if (await isOverrideStuck(pathOf(url, local))) {
          await call('PUT', `${pathOf(url, local)}/status?value=OUT_OF_SERVICE`);
          await call('DELETE', `${pathOf(url, local)}/status`);
        }
        return reader.instancesOf(local.serviceId).length;
      };
      await expect.poll(foundOnceTakenBack, patience).toBe(1);
    });

    it('an instance that closes reports DOWN, and leaves', async () => {
      const { url, setting, local } = await begin();
      const server = await setting.record();
      const writer = setting.client([server.url]);
      await writer.register(local);
      await writer.close();
      const last = server.exchanges.filter(({ request }) => !request.startsWith('PUT ')).slice(-2);
      expect(last.map(({ request, status }) => `${request.split(' ')[0]} ${status}`)).toEqual([
        'POST 204',
        'DELETE 200',
      ]);
      expect(await call('GET', pathOf(url, local))).toBe(404);
    });

    it('when one server is gone the next one serves the list and the lease', async () => {
      const { setting, local, found } = await begin();
      const [first, second] = [await setting.record(), await setting.record()];
      const writer = setting.client([first.url, second.url]);
      await writer.register(local);
      const reader = await setting.reader([first.url, second.url]);
      await found(reader).toBe(1);
      await first.network.refuse();
      await writer.setStatus('DOWN');
      await found(reader).toBe(0);
      await writer.setStatus('UP');
      await found(reader).toBe(1);
      await expect.poll(() => countOf(second, /^PUT /, 200), patience).toBeGreaterThan(0);
    });

    it('while all servers are gone what was known stays, and after that everything goes on', async () => {
      const { url, setting, local, found } = await begin();
      const server = await setting.record();
      const writer = setting.client([server.url]);
      await writer.register(local);
      const reader = await setting.reader([server.url]);
      await found(reader).toBe(1);
      await server.network.refuse();
      await expect(reader.refresh()).rejects.toThrow();
      expect(await call('DELETE', pathOf(url, local))).toBe(200);
      expect(reader.instancesOf(local.serviceId)).toHaveLength(1);
      await server.network.heal();
      await expect.poll(() => call('GET', pathOf(url, local)), patience).toBe(200);
      await expect
        .poll(
          () =>
            reader.refresh().then(
              () => true,
              () => false,
            ),
          patience,
        )
        .toBe(true);
      await found(reader).toBe(1);
    });
  });
}
