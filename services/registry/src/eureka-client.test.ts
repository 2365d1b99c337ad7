/** Tests the contract between the project's client and its registry, over a real socket. */
import { createEurekaClient, type EurekaClient, type LocalInstance } from '@daybook/discovery';
import { type App, createLogger, withRegistryUser } from '@daybook/service';
import { afterEach, describe, expect, it } from 'vitest';
import { buildApp, type RegistryAppOptions } from './app.ts';
import { users } from './testing.ts';

const logger = createLogger({ level: 'silent' });
const clients = new Set<EurekaClient>();
const apps = new Set<App>();

type Clock = NonNullable<RegistryAppOptions['clock']>;

async function startRegistry(port = 0, clock?: Clock): Promise<{ app: App; url: string; port: number }> {
  const app = await buildApp({ logger, users, ...(clock && { clock }) });
  apps.add(app);
  const url = await app.listen({ host: '127.0.0.1', port });
  return { app, url: withRegistryUser(`${url}/eureka`, 'patient-service', users), port: Number(new URL(url).port) };
}

/** Starts a registry whose clock is an hour behind. */
async function startBehind(port = 0) {
  const now = () => Temporal.Now.instant().epochMilliseconds - 3_600_000;
  const registry = await startRegistry(port, () => ({ epochMillis: now(), awakeMillis: performance.now() }));
  // A registry with that clock dates its responses in this way.
  registry.app.server.prependListener('request', (_request, response) =>
    response.setHeader('date', new Date(now()).toUTCString()),
  );
  return registry;
}

function createClient(url: string): EurekaClient {
  const client = createEurekaClient({
    servers: [url],
    logger,
    fetchIntervalMillis: 20,
    renewalIntervalMillis: 20,
    requestTimeoutMillis: 1_000,
  });
  clients.add(client);
  return client;
}

const patient = (port: number): LocalInstance => ({
  instanceId: `127.0.0.1:patient-service:${port}`,
  serviceId: 'patient-service',
  hostName: '127.0.0.1',
  ipAddr: '127.0.0.1',
  port,
  metadata: { zone: 'z1' },
});

const urlsOf = (client: EurekaClient) => client.instancesOf('patient-service').map(({ url }) => url);

afterEach(async () => {
  await Promise.all([...clients].map((client) => client.close()));
  await Promise.all([...apps].map((app) => app.close()));
  clients.clear();
  apps.clear();
});

describe('a client and the registry', () => {
  it('one finds what another registered, as it registered it', async () => {
    const { url } = await startRegistry();
    await createClient(url).register(patient(4001));
    const reader = createClient(url);
    await reader.start();
    expect(reader.instancesOf('patient-service')).toEqual([
      {
        instanceId: '127.0.0.1:patient-service:4001',
        serviceId: 'patient-service',
        url: 'http://127.0.0.1:4001',
        metadata: { zone: 'z1' },
      },
    ]);
  });

  it('an instance is found only while it reports UP', async () => {
    const { url } = await startRegistry();
    const writer = createClient(url);
    await writer.register({ ...patient(4001), status: 'STARTING' });
    const reader = createClient(url);
    await reader.start();
    expect(urlsOf(reader)).toEqual([]);
    await writer.setStatus('UP');
    await expect.poll(() => urlsOf(reader)).toEqual(['http://127.0.0.1:4001']);
    await writer.setStatus('DOWN');
    await expect.poll(() => urlsOf(reader)).toEqual([]);
  });

  it('heartbeats keep a lease alive, and the instance does not register again', async () => {
    const { app, url } = await startRegistry();
    await createClient(url).register(patient(4001));
    const leaseNow = async () => {
      const response = await app.inject({
        url: '/eureka/instances/127.0.0.1:patient-service:4001',
        headers: { accept: 'application/json' },
      });
      return response.json().instance.leaseInfo;
    };
    const { registrationTimestamp } = await leaseNow();
    await expect.poll(async () => (await leaseNow()).lastRenewalTimestamp).toBeGreaterThan(registrationTimestamp);
    expect((await leaseNow()).registrationTimestamp).toBe(registrationTimestamp);
  });

  it('an instance whose clock is ahead dates itself by the clock of the registry, and each later change counts', async () => {
    const { url } = await startBehind();
    const writer = createClient(url);
    const reader = createClient(url);
    await reader.start();
    await writer.register(patient(4001));
    await expect.poll(() => urlsOf(reader)).toEqual(['http://127.0.0.1:4001']);
    await writer.setStatus('DOWN');
    await expect.poll(() => urlsOf(reader)).toEqual([]);
    await writer.setStatus('UP');
    await expect.poll(() => urlsOf(reader)).toEqual(['http://127.0.0.1:4001']);
    expect(writer.isRegistered()).toBe(true);
  });

  it('an instance that closes is gone from the registry', async () => {
    const { app, url } = await startRegistry();
    const writer = createClient(url);
    await writer.register(patient(4001));
    await writer.close();
    expect((await app.inject('/eureka/apps/PATIENT-SERVICE')).statusCode).toBe(404);
  });

  it('an instance registers again with a registry that was restarted with an empty list', async () => {
    const first = await startRegistry();
    await createClient(first.url).register(patient(4001));
    const reader = createClient(first.url);
    await reader.start();
    await first.app.close();
    expect(urlsOf(reader)).toEqual(['http://127.0.0.1:4001']);
    const second = await startRegistry(first.port);
    await expect
      .poll(async () => (await second.app.inject('/eureka/apps/PATIENT-SERVICE')).statusCode, { timeout: 5_000 })
      .toBe(200);
    await reader.refresh();
    expect(urlsOf(reader)).toEqual(['http://127.0.0.1:4001']);
  });

  it('an instance registers with a registry that lost it and has a clock behind what it took before', async () => {
    const first = await startRegistry();
    const writer = createClient(first.url);
    await writer.register(patient(4001));
    await first.app.close();
    const second = await startBehind(first.port);
    const reader = createClient(second.url);
    await expect
      .poll(async () => (await second.app.inject('/eureka/apps/PATIENT-SERVICE')).statusCode, { timeout: 5_000 })
      .toBe(200);
    await reader.start();
    await writer.setStatus('DOWN');
    await expect.poll(() => urlsOf(reader)).toEqual([]);
    await writer.setStatus('UP');
    await expect.poll(() => urlsOf(reader)).toEqual(['http://127.0.0.1:4001']);
  });
});
