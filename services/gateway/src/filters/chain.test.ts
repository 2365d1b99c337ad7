import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { Route } from '../routes/route.ts';
import { PATIENTS, sendRaw, startGateway, startServer, unreachableUrl } from '../testing.ts';

const withFilters = (...filters: Record<string, unknown>[]): Route[] => [{ ...PATIENTS, filters }];

/** Starts a service that returns the request it received. */
const startEcho = () =>
  startServer(async (request, response) => {
    // The body of an aborted request is missing.
    const body = await text(request).catch(() => undefined);
    response.setHeader('x-version', '7');
    response.end(JSON.stringify({ url: request.url, headers: request.headers, body }));
  });

async function startFiltered(...filters: Record<string, unknown>[]) {
  const echo = await startEcho();
  return { echo, ...(await startGateway({ patients: [echo.url], routes: withFilters(...filters) })) };
}

describe('the filters of a route', () => {
  test('change the request to the service, in their order', async () => {
    const { url } = await startFiltered(
      { stripPrefix: 2 },
      { prefixPath: '/internal' },
      { addRequestParameter: { from: 'gateway' } },
      { removeRequestParameter: ['debug'] },
      { setRequestHeader: { 'x-clinic': 'north' } },
      { removeRequestHeader: ['x-secret'] },
    );
    const response = await fetch(`${url}/api/v1/patients/1?debug=1&q=x`, {
      headers: { 'x-clinic': 'a', 'x-secret': 's' },
    });
    const seen = await response.json();
    expect(seen).toMatchObject({ url: '/internal/patients/1?q=x&from=gateway', headers: { 'x-clinic': 'north' } });
    expect(seen).not.toHaveProperty(['headers', 'x-secret']);
  });

  test('change the response to the client', async () => {
    const { url } = await startFiltered(
      { setStatus: 203 },
      { addResponseHeader: { 'x-by': 'gateway' } },
      { removeResponseHeader: ['x-version'] },
    );
    const response = await fetch(`${url}/api/v1/patients`);
    expect([response.status, response.headers.get('x-by'), response.headers.get('x-version')]).toEqual([
      203,
      'gateway',
      null,
    ]);
  });

  test('forward the requested host', async () => {
    const { port } = await startFiltered({ preserveHost: true });
    const response = await sendRaw(port, 'GET /api/v1/patients HTTP/1.1\r\nHost: my.host\r\nConnection: close\r\n\r\n');
    expect(response).toContain('"host":"my.host"');
  });

  test('change each attempt', async () => {
    const broken = await startServer((request) => void request.socket.destroy());
    const echo = await startEcho();
    const routes = withFilters({ stripPrefix: 2 }, { addRequestHeader: { 'x-once': '1' } });
    const { url } = await startGateway({ patients: [broken.url, echo.url], routes });
    for (let count = 0; count < 12; count += 1) {
      expect(await (await fetch(`${url}/api/v1/patients`)).json()).toMatchObject({
        url: '/patients',
        headers: { 'x-once': '1' },
      });
    }
    expect(broken.requests.length).toBeGreaterThan(0);
    expect(new Set(broken.requests)).toEqual(new Set(['GET /patients']));
  });

  test('change refusals of the gateway, too', async () => {
    const routes = withFilters({ cors: { origins: ['https://a.example'] } }, { setStatus: 202 }, { secureHeaders: {} });
    const { url } = await startGateway({ patients: [await unreachableUrl()], routes });
    const response = await fetch(`${url}/api/v1/patients`, { headers: { origin: 'https://a.example' } });
    expect(response.status).toBe(503);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.json()).toMatchObject({ code: 'service-unavailable' });
  });
});

describe('a local response', () => {
  test('reaches no service, has a request id, and is counted apart', async () => {
    const { url, echo } = await startFiltered({ redirect: { status: 308, location: '/docs' } });
    const headers = { 'x-request-id': 'mine' };
    const response = await fetch(`${url}/api/v1/patients`, { redirect: 'manual', method: 'POST', body: 'x', headers });
    expect([response.status, response.headers.get('location')]).toEqual([308, '/docs']);
    expect(response.headers.get('x-request-id')).toBe('mine');
    expect(echo.requests).toEqual([]);
    const metrics = async () => await (await fetch(`${url}/metrics`)).text();
    await expect
      .poll(metrics)
      .toContain('gateway_request_duration_seconds_count{route="patients",outcome="local-response",status="308"} 1');
  });

  test('is the response to a preflight', async () => {
    const { url, echo } = await startFiltered({ cors: { origins: ['https://a.example'] } });
    const fetchFrom = (origin: string) =>
      fetch(`${url}/api/v1/patients`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'GET' },
      });
    const yes = await fetchFrom('https://a.example');
    expect([yes.status, yes.headers.get('access-control-allow-origin')]).toEqual([204, 'https://a.example']);
    expect(yes.headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST');
    const no = await fetchFrom('https://b.example');
    expect([no.status, no.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    expect(echo.requests).toEqual([]);
  });
});

describe('limits of a route', () => {
  test('refuse a client that sends too often, with the time to come back', async () => {
    const { url, echo } = await startFiltered({ rateLimit: { perSecond: 0.01, burst: 2 } });
    const responses = [];
    for (let count = 0; count < 3; count += 1) responses.push(await fetch(`${url}/api/v1/patients`));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(responses.map(({ headers }) => headers.get('ratelimit'))).toEqual([
      '"patients";r=1;t=100',
      '"patients";r=0;t=200',
      '"patients";r=0;t=200',
    ]);
    const [, , refused] = responses;
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(90);
    expect(refused?.headers.get('ratelimit-policy')).toBe('"patients";q=2;w=200');
    expect(await refused?.json()).toMatchObject({ code: 'too-many-requests', status: 429 });
    expect(echo.requests).toHaveLength(2);
  });

  test('refuse a body that is too large, announced or not', async () => {
    const { url } = await startFiltered({ requestSize: 10 });
    const post = (body: string | ReadableStream) =>
      fetch(`${url}/api/v1/patients`, { method: 'POST', body, duplex: 'half' });
    expect((await post('a'.repeat(10))).status).toBe(200);
    expect((await post('a'.repeat(11))).status).toBe(413);
    expect((await post(new Blob(['a'.repeat(11)]).stream())).status).toBe(413);
    expect((await post(new Blob(['a'.repeat(10)]).stream())).status).toBe(200);
  });

  test('let a larger body pass where the route allows it', async () => {
    const { url } = await startFiltered({ requestSize: 3_000_000 });
    const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: 'a'.repeat(2_000_000) });
    expect(await response.json()).toMatchObject({ body: 'a'.repeat(2_000_000) });
  });

  test('refuse headers that are too large', async () => {
    const { url } = await startFiltered({ requestHeaderSize: 1_000 });
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(200);
    const response = await fetch(`${url}/api/v1/patients`, { headers: { 'x-large': 'a'.repeat(1_000) } });
    expect(response.status).toBe(431);
    expect(await response.json()).toMatchObject({ code: 'headers-too-large' });
  });
});
