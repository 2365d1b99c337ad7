import type { RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createTestDiscovery, deadUrl, PATIENTS, sendRaw, startGateway, startServer } from './testing.ts';

const works: RequestListener = async (request, response) => {
  response.end(await text(request));
};
/** Takes the request and breaks the connection instead of an answer. */
const breaks: RequestListener = (request) => void request.socket.destroy();

/** Enough that the balancer, which goes by chance, has met every instance. */
const MANY = 24;

async function statusesOf(url: string, init: RequestInit = {}): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (let count = 0; count < MANY; count += 1) {
    const answer = await fetch(`${url}/api/v1/patients`, init);
    await answer.arrayBuffer();
    statuses.add(answer.status);
  }
  return statuses;
}

describe('the gateway', () => {
  test('tries another instance when a GET finds one dead', async () => {
    const alive = await startServer(works);
    const { url } = await startGateway({ patients: [await deadUrl(), alive.url] });
    expect(await statusesOf(url)).toEqual(new Set([200]));
    expect(alive.requests).toHaveLength(MANY);
  });

  test.each(['GET', 'HEAD'])('tries another instance when a %s breaks before its answer', async (method) => {
    const [alive, broken] = [await startServer(works), await startServer(breaks)];
    const { url } = await startGateway({ patients: [broken.url, alive.url] });
    expect(await statusesOf(url, { method })).toEqual(new Set([200]));
    expect(broken.requests.length).toBeGreaterThan(0);
    expect(alive.requests).toHaveLength(MANY);
  });

  test('tries another instance with a POST that found one dead, body and all', async () => {
    const alive = await startServer(works);
    const { url } = await startGateway({ patients: [await deadUrl(), alive.url] });
    for (let count = 0; count < MANY; count += 1) {
      const answer = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: `body ${count}` });
      expect(await answer.text()).toBe(`body ${count}`);
    }
    expect(alive.requests).toHaveLength(MANY);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('never sends a %s twice', async (method) => {
    const servers = [await startServer(breaks), await startServer(breaks)];
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    const answer = await fetch(`${url}/api/v1/patients`, { method, body: 'x' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      code: 'part-unavailable',
      detail: expect.stringContaining('It may have done what was asked'),
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

  test('tries three instances and no more', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => startServer(breaks)));
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(503);
    expect(servers.map((server) => server.requests.length).sort()).toEqual([0, 0, 1, 1, 1]);
  });

  test('does not try again when an instance answers with an error', async () => {
    const servers = await Promise.all(
      [1, 2].map(() => startServer((_request, response) => response.writeHead(503).end('busy'))),
    );
    const { url } = await startGateway({ patients: servers.map((server) => server.url) });
    expect(await (await fetch(`${url}/api/v1/patients`)).text()).toBe('busy');
    expect(servers.flatMap((server) => server.requests)).toHaveLength(1);
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
  test('the answer names the part that is missing and when to come back', async () => {
    const route = { ...PATIENTS, id: 'types', service: 'appointment-type-service' };
    const { url } = await startGateway({ routes: [route] });
    const answer = await fetch(`${url}/api/v1/patients/1?q=Ana`, { headers: { 'x-request-id': 'mine' } });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.get('x-request-id')).toBe('mine');
    expect(await answer.json()).toEqual({
      type: 'urn:daybook:problem:part-unavailable',
      title: 'A part that this needs is not available',
      status: 503,
      detail: 'The appointment type service is not available.',
      instance: '/api/v1/patients/1',
      code: 'part-unavailable',
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test('it is the same when all of them refuse', async () => {
    const { url } = await startGateway({ patients: [await deadUrl(), await deadUrl()] });
    const answer = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: 'x' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ detail: 'The patient service is not available.' });
  });

  test('the list is fetched once more before that is said', async () => {
    const alive = await startServer(works);
    const discovery = createTestDiscovery(async () => discovery.place('patient-service', [alive.url]));
    const { url } = await startGateway({ discovery });
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(200);
  });

  test('a registry that does not answer delays the refusal by no more than a second', async () => {
    const discovery = createTestDiscovery(() => new Promise(() => undefined));
    const { url } = await startGateway({ discovery });
    const startedAt = performance.now();
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(503);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test('an instance that refuses makes the gateway ask for the list', async () => {
    let refreshes = 0;
    const discovery = createTestDiscovery(async () => {
      refreshes += 1;
    });
    const { url } = await startGateway({ discovery, patients: [await deadUrl()] });
    await fetch(`${url}/api/v1/patients`);
    await expect.poll(() => refreshes).toBe(1);
  });
});
