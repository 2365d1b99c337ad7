import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { closeServers, createTestLogger, deadUrl, readJson, startServer, type TestServer } from '../testing.ts';
import { createEurekaClient, type EurekaClient, type EurekaClientOptions } from './eureka-client.ts';
import { type LocalInstance, toEurekaDocument } from './eureka-instance.ts';
import { isServerUrl } from './registry-connection.ts';

const local: LocalInstance = {
  instanceId: 'host:patient-service:1',
  serviceId: 'patient-service',
  hostName: '127.0.0.1',
  ipAddr: '127.0.0.1',
  port: 1,
};
const { instance: listed } = toEurekaDocument(local, {
  status: 'UP',
  lastDirtyTimestamp: 1,
  renewalIntervalMillis: 30_000,
});

interface Sent {
  status: string;
  lastDirtyTimestamp: string;
}

const isSent = (body: unknown): body is { instance: Sent } =>
  typeof body === 'object' && body !== null && 'instance' in body;

/** A registry with scripted statuses and lists. */
class ScriptedRegistry {
  readonly registered: Sent[] = [];
  listStatus = 200;
  heartbeatStatus = 200;
  registerStatus = 204;
  list: unknown[] = [listed];

  handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') {
      response.writeHead(this.listStatus, { 'content-type': 'application/json' });
      response.end(
        this.listStatus === 200
          ? JSON.stringify({ applications: { application: [{ name: 'PATIENT-SERVICE', instance: this.list }] } })
          : 'secret of the error page',
      );
      return;
    }
    if (request.method === 'POST') {
      const body = await readJson(request);
      if (this.registerStatus === 204 && isSent(body)) this.registered.push(body.instance);
      response.writeHead(this.registerStatus).end();
      return;
    }
    response.writeHead(request.method === 'PUT' ? this.heartbeatStatus : 200).end();
  };
}

const clients = new Set<EurekaClient>();

function createClient(servers: string[], options: Partial<EurekaClientOptions> = {}) {
  const log = createTestLogger();
  const client = createEurekaClient({ servers, logger: log.logger, requestTimeoutMillis: 500, ...options });
  clients.add(client);
  return { client, ...log };
}

const eurekaAt = (server: TestServer | string): string => `${typeof server === 'string' ? server : server.url}/eureka`;

async function startRegistry(): Promise<{ registry: ScriptedRegistry; server: TestServer }> {
  const registry = new ScriptedRegistry();
  return { registry, server: await startServer(registry.handle) };
}

afterEach(async () => {
  await Promise.all([...clients].map((client) => client.close()));
  clients.clear();
  await closeServers();
});

describe('the list', () => {
  it('is known after the start and kept fresh from then on', async () => {
    const { registry, server } = await startRegistry();
    const { client } = createClient([eurekaAt(server)], { fetchIntervalMillis: 10 });
    await client.start();
    expect(client.instancesOf('patient-service')).toHaveLength(1);
    registry.list = [];
    await expect.poll(() => client.instancesOf('patient-service')).toEqual([]);
  });

  it('is fetched once for callers at the same time', async () => {
    const { server } = await startRegistry();
    const { client } = createClient([eurekaAt(server)]);
    await Promise.all([client.refresh(), client.refresh(), client.refresh()]);
    expect(server.requests).toEqual(['GET /eureka/apps/']);
  });

  it('stays as it was when the registry goes, which is logged once, as is its return', async () => {
    const { registry, server } = await startRegistry();
    const { client, count, lines } = createClient([eurekaAt(server)], { fetchIntervalMillis: 10 });
    await client.start();
    registry.listStatus = 500;
    const before = server.requests.length;
    await expect.poll(() => server.requests.length).toBeGreaterThan(before + 3);
    await expect(client.refresh()).rejects.toThrow('status 500');
    expect(client.instancesOf('patient-service')).toHaveLength(1);
    registry.listStatus = 200;
    await expect.poll(() => count('registry reached again')).toBe(1);
    expect(count('registry unreachable; cached instances used')).toBe(1);
    expect(lines.join()).not.toContain('secret of the error page');
  });

  it('loses only the instance that cannot be read', async () => {
    const { registry, server } = await startRegistry();
    registry.list = [{ nonsense: true }, listed];
    const { client, count } = createClient([eurekaAt(server)]);
    await client.start();
    expect(client.instancesOf('patient-service')).toHaveLength(1);
    expect(count('malformed instances skipped')).toBe(1);
  });

  it('starts empty, without an error, when no registry is there', async () => {
    const { client } = createClient([eurekaAt(await deadUrl())]);
    await client.start();
    expect(client.instancesOf('patient-service')).toEqual([]);
  });

  it('comes from the next server when one fails, and that one is used first from then on', async () => {
    const first = await startServer((_request, response) => response.writeHead(503).end());
    const { server: second } = await startRegistry();
    const { client } = createClient([eurekaAt(first), eurekaAt(second)]);
    await client.refresh();
    await client.refresh();
    expect(first.requests).toHaveLength(1);
    expect(second.requests.length).toBeGreaterThan(1);
  });

  it('comes from the next server when one does not respond in time', async () => {
    const silent = await startServer(() => undefined);
    const { server } = await startRegistry();
    const { client } = createClient([eurekaAt(silent), eurekaAt(server)], { requestTimeoutMillis: 100 });
    await client.refresh();
    expect(client.instancesOf('patient-service')).toHaveLength(1);
  });

  it('is requested with the user and password of the address, which are not logged', async () => {
    const seen: (string | undefined)[] = [];
    const server = await startServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401).end();
    });
    const { client, lines } = createClient([eurekaAt(server).replace('//', '//ada:pass%20word@')]);
    await client.start();
    expect(seen).toEqual([`Basic ${Buffer.from('ada:pass word').toString('base64')}`]);
    expect(lines.join()).not.toContain('pass');
  });
});

describe('the address of a registry', () => {
  it.each(['', 'localhost:8761', 'ftp://host/eureka', 'http://', 'http://a%zz:b@host/eureka', 'http://host:x/eureka'])(
    'that is %j is refused at once, in words that do not show it',
    (url) => {
      expect(isServerUrl(url)).toBe(false);
      const create = () => createEurekaClient({ servers: ['http://h/eureka', url], logger: createTestLogger().logger });
      expect(create).toThrow('Registry server 2 is not an HTTP URL.');
    },
  );

  it.each(['http://127.0.0.1:8761/eureka', 'https://user:p%40ss@host/eureka/v2/', 'http://[::1]:8761'])(
    'may be %s',
    (url) => {
      expect(isServerUrl(url)).toBe(true);
    },
  );
});

describe('the registration', () => {
  it('registers again when a heartbeat gets 404', async () => {
    const { registry, server } = await startRegistry();
    const { client } = createClient([eurekaAt(server)], { renewalIntervalMillis: 10 });
    await client.register(local);
    registry.heartbeatStatus = 404;
    await expect.poll(() => registry.registered.length).toBeGreaterThan(1);
    const [first, second] = registry.registered;
    expect(Number(second?.lastDirtyTimestamp)).toBeGreaterThan(Number(first?.lastDirtyTimestamp));
  });

  it('renews with the status and the dirty timestamp that it registered with', async () => {
    const { registry, server } = await startRegistry();
    const { client } = createClient([eurekaAt(server)], { renewalIntervalMillis: 10 });
    await client.register({ ...local, status: 'STARTING' });
    const stamp = registry.registered[0]?.lastDirtyTimestamp;
    const heartbeat = `PUT /eureka/apps/PATIENT-SERVICE/host%3Apatient-service%3A1?status=STARTING&lastDirtyTimestamp=${stamp}`;
    await expect.poll(() => server.requests).toContain(heartbeat);
  });

  it('registers again, dirtier, when the status changes', async () => {
    const { registry, server } = await startRegistry();
    const { client } = createClient([eurekaAt(server)]);
    await client.register({ ...local, status: 'STARTING' });
    await client.setStatus('UP');
    expect(registry.registered.map(({ status }) => status)).toEqual(['STARTING', 'UP']);
    const [first, second] = registry.registered;
    expect(Number(second?.lastDirtyTimestamp)).toBeGreaterThan(Number(first?.lastDirtyTimestamp));
  });

  it('is made good when the registry comes later', async () => {
    const { registry, server } = await startRegistry();
    registry.registerStatus = 503;
    const { client, count } = createClient([eurekaAt(server)], { renewalIntervalMillis: 10 });
    await client.register(local);
    await expect.poll(() => server.requests.length).toBeGreaterThan(3);
    expect(client.isRegistered()).toBe(false);
    registry.registerStatus = 204;
    await expect.poll(() => count('registration restored')).toBe(1);
    expect(client.isRegistered()).toBe(true);
    expect(registry.registered).toHaveLength(1);
    expect(count('registration failed')).toBe(1);
  });

  it('sends one heartbeat at a time', async () => {
    let now = 0;
    let most = 0;
    let beats = 0;
    const server = await startServer((request, response) => {
      if (request.method === 'PUT') beats += 1;
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        response.writeHead(request.method === 'POST' ? 204 : 200).end();
      }, 15);
    });
    const { client } = createClient([eurekaAt(server)], { renewalIntervalMillis: 1 });
    await client.register(local);
    await expect.poll(() => beats).toBeGreaterThan(4);
    expect(most).toBe(1);
  });
});

describe('closing', () => {
  it('reports DOWN, then leaves', async () => {
    const { registry, server } = await startRegistry();
    const { client } = createClient([eurekaAt(server)]);
    await client.register(local);
    await client.close();
    expect(registry.registered.at(-1)?.status).toBe('DOWN');
    expect(server.requests.at(-1)).toBe('DELETE /eureka/apps/PATIENT-SERVICE/host%3Apatient-service%3A1');
  });

  it('sends nothing to the registry when it never registered', async () => {
    const { server } = await startRegistry();
    const { client } = createClient([eurekaAt(server)]);
    await client.close();
    expect(server.requests).toEqual([]);
  });

  it('keeps its deadline when the registry hangs, and logs it', async () => {
    const { server } = await startRegistry();
    const { client, count } = createClient([eurekaAt(server)], { requestTimeoutMillis: 100 });
    await client.register(local);
    await server.close();
    const silent = await startServer(() => undefined, server.port);
    const before = performance.now();
    await client.close();
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(silent.requests).toHaveLength(1);
    expect(count('deregistration failed')).toBe(1);
  });
});
