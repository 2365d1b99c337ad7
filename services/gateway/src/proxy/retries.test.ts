import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createTestDiscovery, PATIENTS, sendRaw, startGateway, startServer, unreachableUrl } from '../testing.ts';

const works: RequestListener = async (request, response) => {
  response.end(await text(request));
};
/** Accepts the request and breaks the connection instead of responding. */
const breaks: RequestListener = (request) => void request.socket.destroy();

const respondsWith =
  (status: number): RequestListener =>
  (_request, response) =>
    void response.writeHead(status).end('busy');

/** Enough that the random balancer has selected every instance. */
const MANY = 24;

async function statusesOf(url: string, init: RequestInit = {}): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (let count = 0; count < MANY; count += 1) {
    const response = await fetch(`${url}/api/v1/patients`, init);
    await response.arrayBuffer();
    statuses.add(response.status);
  }
  return statuses;
}

describe('the gateway', () => {
  test('sends to another instance when a GET finds one dead', async () => {
    const alive = await startServer(works);
    const { url } = await startGateway({ patients: [await unreachableUrl(), alive.url] });
    expect(await statusesOf(url)).toEqual(new Set([200]));
    expect(alive.requests).toHaveLength(MANY);
  });

  test.each(['GET', 'HEAD'])('sends to another instance when a %s breaks before its response', async (method) => {
    const [alive, broken] = [await startServer(works), await startServer(breaks)];
    const { url } = await startGateway({ patients: [broken.url, alive.url] });
    expect(await statusesOf(url, { method })).toEqual(new Set([200]));
    expect(broken.requests.length).toBeGreaterThan(0);
    expect(alive.requests).toHaveLength(MANY);
  });

  test('sends to another instance a POST that found one dead, body and all', async () => {
    const alive = await startServer(works);
    const { url } = await startGateway({ patients: [await unreachableUrl(), alive.url] });
    for (let count = 0; count < MANY; count += 1) {
      const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: `body ${count}` });
      expect(await response.text()).toBe(`body ${count}`);
    }
    expect(alive.requests).toHaveLength(MANY);
  });

  describe.each([
    ['of a length', (bytes: Buffer) => new Blob([new Uint8Array(bytes)])],
    ['in chunks', (bytes: Buffer) => new Blob([new Uint8Array(bytes)]).stream()],
  ])('sends the whole of a large body %s to another instance', (_framing, bodyOf) => {
    const upload = async (url: string) => {
      const bytes = randomBytes(900 * 1024);
      const request = { method: 'POST', body: bodyOf(bytes), duplex: 'half' } as const;
      const response = await fetch(`${url}/api/v1/patients`, request);
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    };

    test('when the first one cannot be reached', async () => {
      // The balancer then selects the first instance of the list first.
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const alive = await startServer((request, response) => void request.pipe(response));
      const { url } = await startGateway({ patients: [await unreachableUrl(), alive.url] });
      await upload(url);
      expect(alive.requests).toHaveLength(1);
    });

    test('when the list names one that can be reached only after a refresh', async () => {
      const alive = await startServer((request, response) => void request.pipe(response));
      const discovery = createTestDiscovery(async () => discovery.setInstances('patient-service', [alive.url]));
      const { url } = await startGateway({ discovery, patients: [await unreachableUrl()] });
      await upload(url);
      expect(alive.requests).toHaveLength(1);
    });
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('never sends a %s twice', async (method) => {
    const servers = [await startServer(breaks), await startServer(breaks)];
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    const response = await fetch(`${url}/api/v1/patients`, { method, body: 'x' });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      code: 'service-unavailable',
      detail: expect.stringContaining('It may have carried out the request'),
    });
    expect(servers.flatMap((server) => server.requests)).toHaveLength(1);
  });

  test('never sends a GET with a body twice', async () => {
    const servers = [await startServer(breaks), await startServer(breaks)];
    const { port } = await startGateway({ patients: servers.map((server) => server.url) });
    const lines = ['GET /api/v1/patients HTTP/1.1', 'Host: x', 'Connection: close', 'Content-Length: 1'];
    expect(await sendRaw(port, `${lines.join('\r\n')}\r\n\r\nx`)).toMatch(/^HTTP\/1\.1 503 /);
    expect(servers.flatMap((server) => server.requests)).toHaveLength(1);
  });

  test('makes three attempts and no more', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => startServer(breaks)));
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(503);
    expect(servers.map((server) => server.requests.length).sort()).toEqual([0, 0, 1, 1, 1]);
  });

  test.each([502, 503, 504])('sends a GET to another instance when one returns %i', async (status) => {
    const [alive, failing] = [await startServer(works), await startServer(respondsWith(status))];
    const { url } = await startGateway({ patients: [failing.url, alive.url] });
    expect(await statusesOf(url)).toEqual(new Set([200]));
    expect(failing.requests.length).toBeGreaterThan(0);
    expect(alive.requests).toHaveLength(MANY);
  });

  test('forwards the response of the last instance when all of them fail', async () => {
    const servers = await Promise.all([1, 2].map(() => startServer(respondsWith(503))));
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    const response = await fetch(`${url}/api/v1/patients`);
    expect([response.status, await response.text()]).toEqual([503, 'busy']);
    expect(servers.map((server) => server.requests.length)).toEqual([1, 1]);
  });

  test.each([400, 404, 409, 429, 500, 501])('makes no second attempt after a response %i', async (status) => {
    const servers = await Promise.all([1, 2].map(() => startServer(respondsWith(status))));
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(status);
    expect(servers.flatMap((server) => server.requests)).toHaveLength(1);
  });

  test('makes no second attempt after a response to a POST without a key', async () => {
    const servers = await Promise.all([1, 2].map(() => startServer(respondsWith(503))));
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    expect((await fetch(`${url}/api/v1/patients`, { method: 'POST', body: 'x' })).status).toBe(503);
    expect(servers.flatMap((server) => server.requests)).toHaveLength(1);
  });

  test('lets retries be a part of the traffic only', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => startServer(respondsWith(503))));
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    for (let count = 0; count < 100; count += 1) await (await fetch(`${url}/api/v1/patients`)).arrayBuffer();
    const requestCount = servers.flatMap((server) => server.requests).length;
    // A hundred requests, a hundred retries that are always allowed, and a few more because time passes.
    expect(requestCount).toBeGreaterThanOrEqual(200);
    expect(requestCount).toBeLessThan(250);
  });

  test('passes over an instance whose address cannot be used', async () => {
    const alive = await startServer(works);
    const { url } = await startGateway({ patients: ['http://no host/', 'ftp://x', alive.url] });
    expect(await statusesOf(url)).toEqual(new Set([200]));
  });

  test('passes over an instance that has as much to do as it may', async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const busy = await startServer(async (_request, response) => {
      arrived.resolve();
      await release.promise;
      response.end();
    });
    const { url } = await startGateway({ patients: [busy.url], upstream: { maxInFlight: 1 } });
    const first = fetch(`${url}/api/v1/patients`);
    await arrived.promise;
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(503);
    release.resolve();
    expect((await first).status).toBe(200);
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(200);
  });
});

describe('when no instance is left', () => {
  test('the response names the missing service and the time to come back', async () => {
    const route = { ...PATIENTS, id: 'types', service: 'appointment-type-service' };
    const { url } = await startGateway({ routes: [route] });
    const response = await fetch(`${url}/api/v1/patients/1?q=Ana`, { headers: { 'x-request-id': 'mine' } });
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.headers.get('x-request-id')).toBe('mine');
    expect(await response.json()).toEqual({
      type: 'urn:daybook:problem:service-unavailable',
      title: 'A required service is unavailable',
      status: 503,
      detail: 'The appointment type service is not available.',
      instance: '/api/v1/patients/1',
      code: 'service-unavailable',
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test('it is the same when all of them refuse', async () => {
    const { url } = await startGateway({ patients: [await unreachableUrl(), await unreachableUrl()] });
    const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ detail: 'The patient service is not available.' });
  });

  test('the list is fetched once more before the refusal', async () => {
    const alive = await startServer(works);
    const discovery = createTestDiscovery(async () => discovery.setInstances('patient-service', [alive.url]));
    const { url } = await startGateway({ discovery });
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(200);
  });

  test('a registry that does not respond delays the refusal by no more than a second', async () => {
    const discovery = createTestDiscovery(() => new Promise(() => undefined));
    const { url } = await startGateway({ discovery });
    const startedAt = performance.now();
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(503);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test('an instance that refuses makes the gateway refresh the list', async () => {
    let refreshes = 0;
    const discovery = createTestDiscovery(async () => {
      refreshes += 1;
    });
    const { url } = await startGateway({ discovery, patients: [await unreachableUrl()] });
    await fetch(`${url}/api/v1/patients`);
    await expect.poll(() => refreshes).toBe(1);
  });
});

describe('with an Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'once' };

  test.each([
    ['breaks the connection', breaks],
    ['responds with 503', respondsWith(503)],
  ])('a POST is sent to another instance, body and all, when one %s', async (_what, failing) => {
    const [alive, failed] = [await startServer(works), await startServer(failing)];
    const { url } = await startGateway({ patients: [failed.url, alive.url] });
    for (let count = 0; count < MANY; count += 1) {
      const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', headers, body: `body ${count}` });
      expect([response.status, await response.text()]).toEqual([200, `body ${count}`]);
    }
    expect(failed.requests.length).toBeGreaterThan(0);
    expect(alive.requests).toHaveLength(MANY);
  });

  test.each([
    ['without a body', () => null],
    ['with a body in chunks', () => new Blob(['ab', 'c'.repeat(60_000)]).stream()],
    ['with as much as is kept', () => 'a'.repeat(64 * 1024)],
  ])('a POST %s is sent to another instance, too', async (_what, body) => {
    const [alive, failed] = [await startServer(works), await startServer(breaks)];
    const { url } = await startGateway({ patients: [failed.url, alive.url] });
    const lengths = new Set<number>();
    for (let count = 0; count < MANY; count += 1) {
      const request = { method: 'POST', headers, body: body(), duplex: 'half' } as const;
      lengths.add((await (await fetch(`${url}/api/v1/patients`, request)).text()).length);
    }
    expect(lengths.size).toBe(1);
    expect(failed.requests.length).toBeGreaterThan(0);
    expect(alive.requests).toHaveLength(MANY);
  });

  test.each([
    ['announced', () => 'a'.repeat(64 * 1024 + 1)],
    ['in chunks', () => new Blob(['a'.repeat(200_000)]).stream()],
  ])('a POST that is too large to be kept arrives whole, and is sent once: %s', async (_what, body) => {
    const alive = await startServer(works);
    const { url, discovery } = await startGateway({ patients: [alive.url] });
    const post = () => fetch(`${url}/api/v1/patients`, { method: 'POST', headers, body: body(), duplex: 'half' });
    const length = (await (await post()).text()).length;
    expect(length).toBeGreaterThan(64 * 1024);
    const servers = [await startServer(breaks), await startServer(breaks)];
    discovery.setInstances(
      'patient-service',
      servers.map((server) => server.url),
    );
    expect((await post()).status).toBe(503);
    expect(servers.flatMap((server) => server.requests)).toHaveLength(1);
  });

  // Services repeat the first response to a key only for POST.
  test.each(['PUT', 'PATCH', 'DELETE'])('a %s is sent once', async (method) => {
    const servers = [await startServer(breaks), await startServer(breaks)];
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    expect((await fetch(`${url}/api/v1/patients`, { method, headers, body: 'x' })).status).toBe(503);
    expect(servers.flatMap((server) => server.requests)).toHaveLength(1);
  });

  test('that a filter removes, a POST is sent once', async () => {
    const servers = [await startServer(breaks), await startServer(breaks)];
    const routes = [{ ...PATIENTS, filters: [{ removeRequestHeader: ['Idempotency-Key'] }] }];
    const { url } = await startGateway({ patients: servers.map((server) => server.url), routes });
    for (const body of ['x', null]) {
      expect((await fetch(`${url}/api/v1/patients`, { method: 'POST', headers, body })).status).toBe(503);
    }
    expect(servers.flatMap((server) => server.requests)).toHaveLength(2);
  });

  test('that a filter sets, a POST is sent to another instance', async () => {
    const [alive, failed] = [await startServer(works), await startServer(breaks)];
    const routes = [{ ...PATIENTS, filters: [{ setRequestHeader: { 'Idempotency-Key': 'once' } }] }];
    const { url } = await startGateway({ patients: [failed.url, alive.url], routes });
    expect(await statusesOf(url, { method: 'POST', body: 'x' })).toEqual(new Set([200]));
    expect(failed.requests.length).toBeGreaterThan(0);
  });

  test('a body that does not come is waited for no longer than any other', async () => {
    const alive = await startServer(works);
    const { port } = await startGateway({ patients: [alive.url], routes: [{ ...PATIENTS, timeoutMillis: 100 }] });
    const lines = ['POST /api/v1/patients HTTP/1.1', 'Host: x', 'Idempotency-Key: once', 'Content-Length: 10'];
    expect(await sendRaw(port, `${lines.join('\r\n')}\r\n\r\nhalf`)).toMatch(/^HTTP\/1\.1 408 /);
    expect(alive.requests).toEqual([]);
  });
});

describe('an instance that cannot be reached', () => {
  test('gets no attempts of the next requests', async () => {
    const alive = await startServer(works);
    const gone = await startServer(works);
    const { url } = await startGateway({ patients: [gone.url, alive.url] });
    await statusesOf(url);
    const port = gone.port;
    await new Promise((resolve) => {
      gone.server.close(resolve);
      gone.server.closeAllConnections();
    });
    expect(await statusesOf(url)).toEqual(new Set([200]));
    let connections = 0;
    const again = createServer((socket) => {
      connections += 1;
      socket.destroy();
    }).listen(port, '127.0.0.1');
    onTestFinished(() => void again.close());
    expect(await statusesOf(url)).toEqual(new Set([200]));
    // One request may have probed the instance, if a second has passed.
    expect(connections).toBeLessThan(2);
  });
});
