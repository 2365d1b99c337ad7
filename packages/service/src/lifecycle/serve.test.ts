import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { DatabaseUnavailable, DatabaseUnusable } from '@daybook/database';
import { createInProcessBus } from '@daybook/messaging';
import { Type } from 'typebox';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commonVariables, type ListenOn, listenOnOf, preferencesOf } from '../config/common-variables.ts';
import { readConfiguration } from '../config/read-configuration.ts';
import type { HealthCheck } from '../observability/health.ts';
import { bareApp, readableLog } from '../testing.ts';
import { systemClock } from './clock.ts';
import type { HostProcess } from './host-process.ts';
import { drain, joinRegistry, serve } from './serve.ts';
import { StartFailure } from './start-failure.ts';

/** A draining service responds for twice this time. */
const FETCH_INTERVAL_MILLIS = 100;

async function portOf(server: Server): Promise<number> {
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  onTestFinished(async () => {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    server.closeAllConnections();
    await closed.promise;
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

interface Registered {
  instance: { instanceId: string; hostName: string; vipAddress: string; status: string; port: { $: number } };
}

/** Starts a registry with the part of Eureka that a service needs; it records the requests. */
async function startRegistry() {
  const calls: string[] = [];
  const instances = new Map<string, Registered['instance']>();
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.method === 'GET') {
      const application = [...instances.values()].map((instance) => ({ name: 'X', instance: [instance] }));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ applications: { application } }));
      return;
    }
    const id = decodeURIComponent(request.url?.split('?')[0]?.split('/').at(-1) ?? '');
    if (request.method === 'POST') {
      const { instance }: Registered = JSON.parse(body);
      instances.set(instance.instanceId, instance);
      calls.push(`${instance.status} ${instance.vipAddress}`);
      response.writeHead(204).end();
      return;
    }
    if (request.method === 'DELETE') {
      calls.push('DELETE');
      instances.delete(id);
    }
    response.writeHead(200).end();
  }
  const port = await portOf(createServer((request, response) => void handle(request, response)));
  return { url: `http://127.0.0.1:${port}/eureka`, calls, instances };
}

function hostOf(registryUrl: string) {
  const { logger, lines } = readableLog();
  const host: HostProcess = {
    environment: {},
    logger,
    registryUrls: [registryUrl],
    bus: createInProcessBus(),
    relaysEvents: true,
    fetchIntervalMillis: FETCH_INTERVAL_MILLIS,
    clock: systemClock,
  };
  return { host, lines };
}

const anyPort: ListenOn = {
  host: '127.0.0.1',
  port: 0,
  variable: 'DAYBOOK_SERVICE_PORT',
  preferences: {},
  advertisedHost: '127.0.0.1',
};

interface TestDependencies {
  dependsOn?: readonly string[];
  checks?: Readonly<Record<string, HealthCheck>>;
  warmUp?: Readonly<Record<string, HealthCheck>>;
  warmsUp?: boolean;
}

async function startService(
  registryUrl: string,
  listenOn = anyPort,
  { dependsOn = [], checks = {}, warmUp = {}, warmsUp = true }: TestDependencies = {},
) {
  const { host: hostOfAll, lines } = hostOf(registryUrl);
  const host = { ...hostOfAll, warmsUp };
  const { app } = await bareApp({ checks });
  app.get('/thing', async () => 'here');
  const resources = new AsyncDisposableStack();
  const closed: string[] = [];
  resources.defer(() => void closed.push('database'));
  resources.defer(() => void closed.push('relay'));
  const registry = joinRegistry(host, {});
  const service = await serve({ name: 'thing-service', app, host, registry, listenOn, dependsOn, warmUp, resources });
  onTestFinished(() => service.close({ callersAreGone: true }));
  return { service, app, closed, lines };
}

describe('a service', () => {
  it('responds at its URL and is registered there', async () => {
    const registry = await startRegistry();
    const preferences = preferencesOf({ DAYBOOK_ZONE: 'north', DAYBOOK_WEIGHT: 3 });
    const { service } = await startService(registry.url, { ...anyPort, preferences });
    await service.ready;
    expect(await (await fetch(`${service.url}/thing`)).text()).toBe('here');
    expect(service.name).toBe('thing-service');
    const port = Number(new URL(service.url).port);
    expect([...registry.instances.values()]).toMatchObject([
      {
        metadata: { zone: 'north', weight: '3' },
        instanceId: `127.0.0.1:thing-service:${port}`,
        hostName: '127.0.0.1',
        vipAddress: 'thing-service',
        port: { $: port },
      },
    ]);
    expect(registry.calls).toEqual(['UP thing-service']);
  });

  it('on loopback accepts the host of DAYBOOK_PUBLIC_URL, which a gateway may forward, and no other one', async () => {
    const environment = { DAYBOOK_PUBLIC_URL: 'https://daybook.example.org' };
    const config = readConfiguration(Type.Object(commonVariables), environment);
    const { service } = await startService((await startRegistry()).url, listenOnOf(config));
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const asked = request(`${service.url}/thing`, { headers: { host } });
        asked.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
        asked.end();
      });
    expect(await statusFor('daybook.example.org')).toBe(200);
    expect(await statusFor('evil.example')).toBe(421);
  });

  it('leaves with DOWN, responds until its callers know, then goes and closes its dependencies', async () => {
    const registry = await startRegistry();
    const { service, closed } = await startService(registry.url);
    await service.ready;
    const closing = service.close();
    await expect.poll(() => registry.calls, { interval: 5 }).toEqual(['UP thing-service', 'DOWN thing-service']);
    expect((await fetch(`${service.url}/thing`)).status).toBe(200);
    expect(closed).toEqual([]);
    await closing;
    expect(registry.calls).toEqual(['UP thing-service', 'DOWN thing-service', 'DELETE']);
    expect(registry.instances.size).toBe(0);
    expect(closed).toEqual(['relay', 'database']);
    await expect(fetch(`${service.url}/thing`)).rejects.toThrow('fetch failed');
  });

  it('ends each connection with its response while it leaves, so that none is cut that a client is about to use', async () => {
    const registry = await startRegistry();
    const { service } = await startService(registry.url);
    await service.ready;
    const connections = async () => (await fetch(`${service.url}/thing`)).headers.get('connection');
    expect(await connections()).toBe('keep-alive');
    const closing = service.close();
    await expect.poll(() => registry.calls, { interval: 5 }).toContain('DOWN thing-service');
    expect(await connections()).toBe('close');
    await closing;
  });

  it('leaves with DOWN and goes at once when its callers are gone', async () => {
    const registry = await startRegistry();
    const { service } = await startService(registry.url);
    await service.ready;
    await service.close({ callersAreGone: true });
    expect(registry.calls).toEqual(['UP thing-service', 'DOWN thing-service', 'DELETE']);
  });

  it('starts and responds without a registry', async () => {
    const { service } = await startService('http://127.0.0.1:1/eureka');
    expect((await fetch(`${service.url}/thing`)).status).toBe(200);
  });

  it('can be called at the address that it registers, over IPv6 as well', async (context) => {
    const registry = await startRegistry();
    const { host } = hostOf(registry.url);
    const starting = startService(registry.url, { ...anyPort, host: '::1', preferences: {}, advertisedHost: '::1' });
    const started = await starting.catch((error: unknown) => {
      if (error instanceof StartFailure) return undefined;
      throw error;
    });
    if (!started) return context.skip('this machine has no IPv6');
    await started.service.ready;
    const caller = joinRegistry(host, {});
    onTestFinished(() => caller.close());
    await caller.start();
    expect(caller.instancesOf('thing-service').map(({ url }) => url)).toEqual([started.service.url]);
  });

  it('does not start on a port that is taken: 69, and the variable that moves it', async () => {
    const port = await portOf(createServer());
    const registry = await startRegistry();
    const { host } = hostOf(registry.url);
    const { app } = await bareApp();
    const resources = new AsyncDisposableStack();
    let closed = false;
    resources.defer(() => {
      closed = true;
    });
    const listenOn = {
      host: '127.0.0.1',
      port,
      variable: 'DAYBOOK_PORT',
      preferences: {},
      advertisedHost: '127.0.0.1',
    };
    const starting = serve({ name: 'x', app, host, registry: joinRegistry(host, {}), listenOn, resources });
    await expect(starting).rejects.toSatisfy(
      (error) =>
        error instanceof StartFailure &&
        error.exitCode === 69 &&
        error.message === `Port ${port} is taken. Stop what uses it, or set DAYBOOK_PORT.`,
    );
    expect(closed).toBe(true);
    expect(registry.calls).toEqual([]);
  });

  it('does not start at an address that is not of this machine: 69', async () => {
    const registry = await startRegistry();
    const starting = startService(registry.url, { ...anyPort, host: '192.0.2.1' });
    await expect(starting).rejects.toMatchObject({ exitCode: 69, message: expect.stringContaining('192.0.2.1') });
  });

  it('uses the registry that its configuration names, before the one of its process', async () => {
    const [named, own] = [await startRegistry(), await startRegistry()];
    const { host } = hostOf(own.url);
    const client = joinRegistry(host, { EUREKA_URL: `${named.url},${own.url}` });
    onTestFinished(() => client.close());
    await client.register({ instanceId: 'a', serviceId: 'x', hostName: 'h', ipAddr: 'h', port: 1 });
    expect([...named.instances.keys()]).toEqual(['a']);
    expect(own.instances.size).toBe(0);
  });
});

describe('a service that starts before what it needs', () => {
  const readiness = async (url: string) => {
    const response = await fetch(`${url}/health/ready`);
    return { status: response.status, body: await response.json() };
  };

  it('registers after what its first requests need has been prepared', async () => {
    const registry = await startRegistry();
    let isPrepared = false;
    const tokens = async () => {
      if (!isPrepared) throw new Error('no token yet');
    };
    const { service } = await startService(registry.url, anyPort, { warmUp: { tokens } });
    expect(await readiness(service.url)).toMatchObject({
      status: 503,
      body: { components: { tokens: { status: 'DOWN' } } },
    });
    expect(registry.calls).toEqual([]);
    isPrepared = true;
    await service.ready;
    isPrepared = false;
    expect(registry.calls).toEqual(['UP thing-service']);
    expect((await readiness(service.url)).status).toBe(200);
  });

  it('registers at once in a process whose start has to be quick', async () => {
    const registry = await startRegistry();
    const tokens = () => Promise.reject(new Error('no token yet'));
    const { service } = await startService(registry.url, anyPort, { warmUp: { tokens }, warmsUp: false });
    await service.ready;
    expect(registry.calls).toEqual(['UP thing-service']);
  });

  it('responds, is not ready and not in the registry until its dependencies work', async () => {
    const registry = await startRegistry();
    let isThere = false;
    const database = async () => {
      if (!isThere) throw new DatabaseUnavailable(new Error('not yet'));
    };
    const { service } = await startService(registry.url, anyPort, { checks: { database } });
    expect((await fetch(`${service.url}/thing`)).status).toBe(200);
    expect(await readiness(service.url)).toEqual({
      status: 503,
      body: { status: 'DOWN', components: { database: { status: 'DOWN' }, registry: { status: 'DOWN' } } },
    });
    expect(registry.calls).toEqual([]);
    isThere = true;
    await service.ready;
    expect(registry.calls).toEqual(['UP thing-service']);
    expect(await readiness(service.url)).toMatchObject({ status: 200, body: { components: { database: {} } } });
  });

  it('waits for each service that it calls, and stays ready when that goes away later', async () => {
    const registry = await startRegistry();
    const { service } = await startService(registry.url, anyPort, { dependsOn: ['other-service'] });
    const components = { 'other-service': { status: 'DOWN' }, registry: { status: 'DOWN' } };
    expect(await readiness(service.url)).toMatchObject({ status: 503, body: { components } });
    const other = joinRegistry(hostOf(registry.url).host, {});
    await other.register({ instanceId: 'a', serviceId: 'other-service', hostName: 'h', ipAddr: 'h', port: 1 });
    await service.ready;
    await other.close();
    expect(await readiness(service.url)).toEqual({ status: 200, body: { status: 'UP', components: {} } });
  });

  it('ends with 69 when it turns out that a database can never be used', async () => {
    const registry = await startRegistry();
    const database = () => Promise.reject(new DatabaseUnusable('It is of a newer Daybook.'));
    const { service } = await startService(registry.url, anyPort, { checks: { database } });
    await expect(service.ready).rejects.toMatchObject({ exitCode: 69, message: 'It is of a newer Daybook.' });
    expect(registry.calls).toEqual([]);
  });

  it('can be closed while it waits, and sends the registry nothing', async () => {
    const registry = await startRegistry();
    const { service, closed } = await startService(registry.url, anyPort, { dependsOn: ['other-service'] });
    await service.close();
    await expect(service.ready).rejects.toThrow('aborted');
    expect(closed).toEqual(['relay', 'database']);
    expect(registry.calls).toEqual([]);
  });

  it('does not start without the name of a registry: 78', () => {
    const { host } = hostOf('');
    expect(() => joinRegistry({ ...host, registryUrls: [] }, {})).toThrow(
      expect.objectContaining({ exitCode: 78, message: expect.stringContaining('EUREKA_URL') }),
    );
  });
});

describe('closing', () => {
  /** Opens connections with half a request, or with a response that the test releases. */
  async function slowApp() {
    const { app, lines } = await bareApp();
    const reached = Promise.withResolvers<void>();
    const response = Promise.withResolvers<string>();
    app.get('/slow', () => {
      reached.resolve();
      return response.promise;
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const url = app.listeningOrigin;
    return { app, lines, url, reached: reached.promise, response: response.resolve };
  }

  it('lets a running request end, and takes no new one', async () => {
    const { app, url, reached, response } = await slowApp();
    const running = fetch(`${url}/slow`);
    await reached;
    const { logger, lines } = readableLog();
    const closing = drain(app, logger);
    await expect.poll(() => fetch(`${url}/slow`).catch(() => 'refused')).toBe('refused');
    response('done');
    expect(await (await running).text()).toBe('done');
    await closing;
    expect(lines).toEqual([]);
  });

  it('cuts off a request that does not end', async () => {
    const { app, url, reached } = await slowApp();
    const { logger, lines } = readableLog();
    const running = fetch(`${url}/slow`).catch(() => 'cut off');
    await reached;
    await drain(app, logger, 50);
    expect(await running).toBe('cut off');
    expect(lines.join()).toContain('unfinished requests cut off');
  });

  it('does not wait for idle connections', async () => {
    const { app, url } = await slowApp();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const { logger, lines } = readableLog();
    socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    await drain(app, logger);
    expect(lines).toEqual([]);
  });
});
