import type { RequestListener } from 'node:http';
import { Refusal } from '@daybook/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { createBalancer } from '../balancing/balancer.ts';
import {
  closeServers,
  createTestDiscovery,
  createTestLogger,
  deadUrl,
  instanceAt,
  startServer,
  type TestDiscovery,
} from '../testing.ts';
import { createServiceClient, type ServiceClient, type ServiceClientOptions } from './service-client.ts';

const clients = new Set<ServiceClient>();

function createClient(discovery: TestDiscovery, options: Partial<ServiceClientOptions> = {}) {
  const log = createTestLogger();
  const client = createServiceClient({
    serviceId: 'patient-service',
    discovery,
    balancer: createBalancer(discovery),
    logger: log.logger,
    ...options,
  });
  clients.add(client);
  return { client, ...log };
}

const respondWith =
  (status: number, body: string, type = 'application/json'): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  };

const unavailable = expect.objectContaining({
  name: 'Refusal',
  code: 'service-unavailable',
  message: 'The patient service is not available.',
  extras: { retryAfterSeconds: 1 },
});

afterEach(async () => {
  await Promise.all([...clients].map((client) => client.close()));
  clients.clear();
  await closeServers();
});

describe('a response', () => {
  it('is parsed, with its status and headers, and the request carries the headers given', async () => {
    const server = await startServer((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', etag: '"3"' });
      response.end(JSON.stringify({ path: request.url, trace: request.headers.traceparent }));
    });
    const { client } = createClient(createTestDiscovery([server.url]));
    const response = await client.get('/v1/patients/7?x=1', { headers: { traceparent: 'abc' } });
    expect(response).toMatchObject({ status: 200, body: { path: '/v1/patients/7?x=1', trace: 'abc' } });
    expect(response.headers.etag).toBe('"3"');
  });

  it.each([304, 404, 429])('of status %i is a response like others', async (status) => {
    const server = await startServer(
      respondWith(status, status === 304 ? '' : '{"code":"x"}', 'application/problem+json'),
    );
    const { client } = createClient(createTestDiscovery([server.url]));
    const response = await client.get('/');
    expect(response.status).toBe(status);
    expect(response.body).toEqual(status === 304 ? undefined : { code: 'x' });
  });

  it('of status 500 is a refusal, and there is no second attempt', async () => {
    const servers = [await startServer(respondWith(500, '')), await startServer(respondWith(500, ''))];
    const { client } = createClient(createTestDiscovery(servers.map(({ url }) => url)));
    await expect(client.get('/')).rejects.toEqual(unavailable);
    expect(servers.flatMap(({ requests }) => requests)).toHaveLength(1);
  });

  it('that is too large, or not the JSON that it declares, is a refusal that is logged without its text', async () => {
    const large = await startServer(respondWith(200, JSON.stringify('x'.repeat(5 * 1024 * 1024))));
    await expect(createClient(createTestDiscovery([large.url])).client.get('/')).rejects.toEqual(unavailable);
    const broken = await startServer(respondWith(200, '{"name":"Ada'));
    const { client, lines } = createClient(createTestDiscovery([broken.url]));
    await expect(client.get('/')).rejects.toBeInstanceOf(Refusal);
    expect(lines.join()).not.toContain('Ada');
  });
});

describe('a retry', () => {
  it('goes to another instance when one returns 503, so that the caller sees nothing', async () => {
    const sick = await startServer(respondWith(503, ''));
    const well = await startServer(respondWith(200, '"well"'));
    const { client } = createClient(createTestDiscovery([sick.url, well.url]));
    for (let i = 0; i < 20; i += 1) expect((await client.get('/')).body).toBe('well');
    expect(sick.requests.length).toBeGreaterThan(0);
  });

  it('goes to another instance when one does not respond in time', async () => {
    const silent = await startServer(() => undefined);
    const well = await startServer(respondWith(200, '"well"'));
    const { client } = createClient(createTestDiscovery([silent.url, well.url]), { attemptTimeoutMillis: 50 });
    for (let i = 0; i < 10; i += 1) expect((await client.get('/')).body).toBe('well');
    expect(silent.requests.length).toBeGreaterThan(0);
  });

  it('never goes to the same instance', async () => {
    const sick = await startServer(respondWith(503, ''));
    const { client } = createClient(createTestDiscovery([sick.url]));
    await expect(client.get('/')).rejects.toEqual(unavailable);
    expect(sick.requests).toHaveLength(1);
  });

  it('comes at most twice', async () => {
    const sick = await Promise.all(Array.from({ length: 5 }, () => startServer(respondWith(502, ''))));
    const { client } = createClient(createTestDiscovery(sick.map(({ url }) => url)));
    await expect(client.get('/')).rejects.toEqual(unavailable);
    expect(sick.flatMap(({ requests }) => requests)).toHaveLength(3);
  });

  it('has a budget, so a service in trouble does not get twice the requests', async () => {
    // Enough instances that no breaker opens.
    const sick = await Promise.all(Array.from({ length: 100 }, () => startServer(respondWith(504, ''))));
    const { client } = createClient(createTestDiscovery(sick.map(({ url }) => url)));
    const calls = Array.from({ length: 80 }, () => client.get('/'));
    expect((await Promise.allSettled(calls)).every(({ status }) => status === 'rejected')).toBe(true);
    expect(sick.flatMap(({ requests }) => requests)).toHaveLength(80 + 16);
  });
});

describe('a dead instance', () => {
  it('is hidden from the caller, and the list is fetched', async () => {
    const dead = await deadUrl();
    const well = await startServer(respondWith(200, '"well"'));
    const discovery = createTestDiscovery([dead, well.url]);
    discovery.onRefresh = async () => {
      discovery.instances = [instanceAt(well.url)];
    };
    const { client } = createClient(discovery);
    for (let i = 0; discovery.refreshes === 0 && i < 100; i += 1) expect((await client.get('/')).body).toBe('well');
    expect(discovery.refreshes).toBe(1);
  });

  it('is ejected after three failures in a row, and gets another attempt a second later', async () => {
    let status = 503;
    const server = await startServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end('1');
    });
    const { client, count } = createClient(createTestDiscovery([server.url]));
    for (let i = 0; i < 6; i += 1) await expect(client.get('/')).rejects.toEqual(unavailable);
    expect(server.requests).toHaveLength(3);
    status = 200;
    await expect
      .poll(
        () =>
          client.get('/').then(
            (response) => response.status,
            () => 0,
          ),
        { timeout: 3_000 },
      )
      .toBe(200);
    expect(server.requests).toHaveLength(4);
    expect(count('circuit breaker closed')).toBe(1);
  });

  it('makes a refusal when the list cannot be fetched either, and that is logged', async () => {
    const discovery = createTestDiscovery([await deadUrl()]);
    discovery.onRefresh = () => Promise.reject(new Error('no registry'));
    const { client, count } = createClient(discovery);
    await expect(client.get('/')).rejects.toEqual(unavailable);
    await expect.poll(() => count('instance list not refreshed')).toBe(1);
  });
});

describe('when no instance is known', () => {
  it('the list is fetched once, and its instances get the call', async () => {
    const well = await startServer(respondWith(200, '"well"'));
    const discovery = createTestDiscovery([]);
    discovery.onRefresh = async () => {
      discovery.instances = [instanceAt(well.url)];
    };
    const { client } = createClient(discovery);
    expect((await client.get('/')).body).toBe('well');
    expect(discovery.refreshes).toBe(1);
  });

  it('the call is refused when there is none after that', async () => {
    const discovery = createTestDiscovery([]);
    const { client } = createClient(discovery);
    await expect(client.get('/')).rejects.toEqual(unavailable);
    expect(discovery.refreshes).toBe(1);
  });

  it('the deadline holds although the fetch hangs', async () => {
    const discovery = createTestDiscovery([]);
    discovery.onRefresh = () => new Promise(() => undefined);
    const { client } = createClient(discovery, { deadlineMillis: 50 });
    await expect(client.get('/')).rejects.toEqual(unavailable);
  });
});

describe('limits', () => {
  it('end a call at its deadline, whatever attempts are left', async () => {
    const silent = await Promise.all(Array.from({ length: 3 }, () => startServer(() => undefined)));
    const { client } = createClient(createTestDiscovery(silent.map(({ url }) => url)), { deadlineMillis: 100 });
    const before = performance.now();
    await expect(client.get('/')).rejects.toEqual(unavailable);
    expect(performance.now() - before).toBeLessThan(500);
  });

  it('end a call when its caller leaves', async () => {
    const silent = await startServer(() => undefined);
    const { client } = createClient(createTestDiscovery([silent.url]));
    const caller = new AbortController();
    const call = client.get('/', { signal: caller.signal });
    await expect.poll(() => silent.requests.length).toBe(1);
    caller.abort();
    await expect(call).rejects.toEqual(unavailable);
  });

  it('end a queued call at its deadline, counted from when it was made', async () => {
    const silent = await startServer(() => undefined);
    const discovery = createTestDiscovery([silent.url]);
    const { client } = createClient(discovery, { maxConcurrent: 1, deadlineMillis: 100 });
    const { client: patient } = createClient(discovery, { deadlineMillis: 400 });
    const ended: string[] = [];
    const end = (caller: string) => (error: unknown) => {
      expect(error).toEqual(unavailable);
      ended.push(caller);
    };
    const later = patient.get('/').catch(end('later'));
    await Promise.all([later, ...Array.from({ length: 6 }, () => client.get('/').catch(end('call')))]);
    expect(ended).toEqual([...Array(6).fill('call'), 'later']);
  });

  it('take the place of a call that hangs away from it at its deadline', async () => {
    const well = await startServer(respondWith(200, '"well"'));
    const discovery = createTestDiscovery([]);
    discovery.onRefresh = () => new Promise(() => undefined);
    const { client } = createClient(discovery, { maxConcurrent: 1, deadlineMillis: 50 });
    await expect(client.get('/')).rejects.toEqual(unavailable);
    discovery.instances = [instanceAt(well.url)];
    await expect.poll(async () => (await client.get('/')).body).toBe('well');
  });

  it('wait their turn when there are many, and are refused at once when there are too many', async () => {
    const held: (() => void)[] = [];
    const slow = await startServer((_request, response) => {
      held.push(() => response.writeHead(200, { 'content-type': 'application/json' }).end('1'));
    });
    const { client } = createClient(createTestDiscovery([slow.url]), { maxConcurrent: 1 });
    const running = client.get('/');
    const waiting = Array.from({ length: 10 }, () => client.get('/'));
    await expect(client.get('/')).rejects.toEqual(unavailable);
    await expect.poll(() => held.length).toBe(1);
    const release = setInterval(() => held.shift()?.(), 1);
    expect((await Promise.all([running, ...waiting])).map(({ status }) => status)).toEqual(Array(11).fill(200));
    clearInterval(release);
  });
});
