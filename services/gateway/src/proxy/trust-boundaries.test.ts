import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PATIENTS, sendRaw, startGateway, startServer, type TestGatewayOptions } from '../testing.ts';

const OWN = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
};

async function startClinic(options: TestGatewayOptions = {}) {
  const service = await startServer((_request, response) => void response.end('{}'));
  return { service, ...(await startGateway({ patients: [service.url], ...options })) };
}

async function send(port: number, method: string, path: string, headers: Record<string, string>) {
  const clientRequest = request({ host: '127.0.0.1', port, path, method, headers });
  clientRequest.end();
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    clientRequest.on('response', resolve).on('error', reject);
  });
  const body = await text(response);
  return { status: response.statusCode, headers: response.headers, body };
}

const codeOf = (body: string): string => JSON.parse(body).code;

describe('a request for another host', () => {
  // A request with a body or an unusual header is not on the fast path.
  it.each([
    ['on the fast path', {}],
    ['beside the fast path', { te: 'trailers' }],
  ])('is rejected %s', async (_where, headers) => {
    const { port, service } = await startClinic();
    const response = await send(port, 'GET', '/api/v1/patients', { ...headers, host: `evil.example:${port}` });
    expect([response.status, codeOf(response.body)]).toEqual([421, 'misdirected-request']);
    expect(response.headers).toMatchObject(OWN);
    expect(service.requests).toEqual([]);
  });

  it('is rejected on a connection that brought requests for this one', async () => {
    const { port, service } = await startClinic();
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const read = async () => (await new Promise<Buffer>((resolve) => socket.once('data', resolve))).toString('latin1');
    const get = (host: string) => socket.write(`GET /api/v1/patients HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    get('localhost');
    expect(await read()).toMatch(/^HTTP\/1.1 200 /);
    get('evil.example');
    expect(await read()).toMatch(/^HTTP\/1.1 421 /);
    expect(service.requests).toHaveLength(1);
  });

  it.each(['/', '/docs', '/openapi.json', '/metrics', '/info', '/admin/routes', '/nothing', '/health/ready'])(
    'is rejected at %s',
    async (path) => {
      const { port } = await startClinic();
      expect((await send(port, 'GET', path, { host: 'evil.example' })).status).toBe(421);
    },
  );

  it('opens no WebSocket', async () => {
    const { port, service } = await startClinic();
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const response = await send(port, 'GET', '/api/v1/patients', { ...upgrade, host: 'evil.example' });
    expect(response.status).toBe(421);
    expect(service.requests).toEqual([]);
  });

  it.each(['localhost', '127.0.0.1', '[::1]', 'daybook.example.org'])('is not one with the Host %s', async (host) => {
    const { port } = await startClinic({ publicUrl: 'https://daybook.example.org' });
    for (const known of [host, `${host}:${port}`, `${host}:9999`]) {
      expect((await send(port, 'GET', '/api/v1/patients', { host: known })).status).toBe(200);
    }
  });
});

const handshake = (host: string, ...lines: readonly string[]) =>
  [
    'GET /api/v1/patients HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
    '\r\n',
  ].join('\r\n');

const CROSS_SITE: [string, Record<string, string>][] = [
  ['the Origin of another site', { origin: 'https://evil.example' }],
  ['the Origin of another port', { origin: 'http://127.0.0.1:3000' }],
  ['the Origin of no site', { origin: 'null' }],
  ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
];

describe('a request of a page of another site', () => {
  it.each(CROSS_SITE)('changes nothing, with %s', async (_what, headers) => {
    const { port, service } = await startClinic();
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const response = await send(port, method, '/api/v1/patients', headers);
      expect([response.status, codeOf(response.body)]).toEqual([403, 'cross-site-request']);
    }
    expect(service.requests).toEqual([]);
    expect((await send(port, 'GET', '/api/v1/patients', headers)).status).toBe(200);
  });

  it.each(CROSS_SITE)('opens no WebSocket, with %s', async (_what, headers) => {
    const { port, service } = await startClinic();
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    expect(await sendRaw(port, handshake('localhost', ...lines))).toMatch(/^HTTP\/1.1 403 .*cross-site-request/s);
    expect(service.requests).toEqual([]);
  });

  it('is taken from an origin that the route allows', async () => {
    const cors = { origins: ['https://app.example.org'], methods: ['POST'] };
    const { port } = await startClinic({ routes: [{ ...PATIENTS, filters: [{ cors }] }] });
    const from = (origin: string) => send(port, 'POST', '/api/v1/patients', { origin, 'sec-fetch-site': 'cross-site' });
    expect((await from('https://app.example.org')).status).toBe(200);
    expect((await from('https://evil.example')).status).toBe(403);
  });

  it.each([
    ['the page of this gateway', { origin: 'http://daybook.example', 'sec-fetch-site': 'same-origin' }],
    ['its page over TLS that ends before it', { origin: 'https://daybook.example' }],
    ['a page of the public URL', { origin: 'https://daybook.example.org', 'sec-fetch-site': 'same-origin' }],
    ['a page of this gateway, whose policy names no referrer', { origin: 'null', 'sec-fetch-site': 'same-origin' }],
    ['a person, without a page', { 'sec-fetch-site': 'none' }],
    ['a program', {}],
  ])('is not one from %s', async (_whom, headers) => {
    const { port } = await startClinic({ publicUrl: 'https://daybook.example.org' });
    const response = await send(port, 'POST', '/api/v1/patients', { ...headers, host: 'daybook.example' });
    expect(response.status).toBe(200);
  });
});

describe("the gateway's own responses", () => {
  it.each([
    ['a refusal of a request with two readings', 'GET', '/a//b', 400],
    ['a path without a route', 'GET', '/nothing', 404],
    ['a service that is away', 'GET', '/api/v1/patients', 503],
    ['health', 'GET', '/health/live', 200],
    ['the redirect to the documentation', 'GET', '/', 302],
  ])('have safe headers: %s', async (_what, method, path, status) => {
    const { port } = await startGateway();
    const response = await send(port, method, path, {});
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject(OWN);
  });

  it('have safe headers: a preflight', async () => {
    const cors = { origins: ['https://app.example.org'], methods: ['POST'] };
    const { port } = await startClinic({ routes: [{ ...PATIENTS, filters: [{ cors }] }] });
    const response = await send(port, 'OPTIONS', '/api/v1/patients', {
      origin: 'https://app.example.org',
      'access-control-request-method': 'POST',
    });
    expect(response.status).toBe(204);
    expect(response.headers).toMatchObject(OWN);
  });
});
