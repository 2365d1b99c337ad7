import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { sendRaw, startGateway, startServer } from '../testing.ts';

/** Starts a service that returns the request it received. */
const startEcho = () =>
  startServer(async (request, response) => {
    const body = await text(request);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
  });

async function headersSeen(sent: string[]): Promise<IncomingHttpHeaders> {
  const echo = await startEcho();
  const { port } = await startGateway({ patients: [echo.url] });
  const lines = ['GET /api/v1/patients HTTP/1.1', 'Host: daybook.example', 'Connection: close', ...sent];
  const response = await sendRaw(port, `${lines.join('\r\n')}\r\n\r\n`);
  return JSON.parse(response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1)).headers;
}

describe('a request', () => {
  test('reaches the service with method, path, query and body as they were sent', async () => {
    const echo = await startEcho();
    const { url } = await startGateway({ patients: [echo.url] });
    const response = await fetch(`${url}/api/v1/patients/a%20b?q=%C3%A4&q=2`, { method: 'PATCH', body: '{"a":1}' });
    expect(await response.json()).toMatchObject({
      method: 'PATCH',
      url: '/api/v1/patients/a%20b?q=%C3%A4&q=2',
      body: '{"a":1}',
      headers: { 'content-length': '7', 'content-type': 'text/plain;charset=UTF-8' },
    });
  });

  test('with a body of unknown length is passed on in chunks', async () => {
    const echo = await startEcho();
    const { url } = await startGateway({ patients: [echo.url] });
    const body = new Blob(['a'.repeat(100_000)]).stream();
    const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body, duplex: 'half' });
    expect(await response.json()).toMatchObject({
      body: 'a'.repeat(100_000),
      headers: { 'transfer-encoding': 'chunked' },
    });
  });

  test('that posts nothing arrives as an empty body', async () => {
    const echo = await startEcho();
    const { url } = await startGateway({ patients: [echo.url] });
    const response = await fetch(`${url}/api/v1/patients/1/cancel`, { method: 'POST' });
    expect(await response.json()).toMatchObject({ method: 'POST', body: '', headers: { 'content-length': '0' } });
  });

  test('loses the headers that speak of one connection', async () => {
    const seen = await headersSeen([
      'Connection: TE, keep-alive',
      'Keep-Alive: timeout=5',
      'TE: trailers',
      'Trailer: x',
      'Upgrade: websocket',
      'Proxy-Authorization: Basic eDp5',
      'Proxy-Connection: keep-alive',
      'X-Public: 2',
    ]);
    expect(Object.keys(seen).sort()).toEqual([
      'connection',
      'host',
      'traceparent',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-public',
      'x-request-id',
    ]);
    expect(seen.connection).toBe('keep-alive');
  });

  test('names its origin by what the gateway knows, not by what the client sends', async () => {
    const seen = await headersSeen([
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Port: 1',
      'X-Real-IP: 6.6.6.6',
      'Forwarded: for=6.6.6.6',
    ]);
    expect(seen).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'daybook.example',
      'x-forwarded-proto': 'http',
    });
    expect(JSON.stringify(seen)).not.toMatch(/6\.6\.6\.6|evil|forwarded-port/);
  });

  test('cannot name its caller except by its token', async () => {
    const seen = await headersSeen([
      'X-User-Id: admin',
      'X-Daybook-Role: administrator',
      'X-Auth-Request-User: admin',
      'Remote-User: admin',
      'Cookie: theme=dark',
    ]);
    expect(seen.cookie).toBe('theme=dark');
    expect(JSON.stringify(seen)).not.toContain('admin');
  });

  test('keeps a well formed request id and trace', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const seen = await headersSeen(['X-Request-Id: from-client.1', `traceparent: 00-${traceId}-00f067aa0ba902b7-01`]);
    expect(seen['x-request-id']).toBe('from-client.1');
    expect(seen.traceparent).toMatch(new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
  });

  test('gets a request id and a trace when it brings none that is usable', async () => {
    const seen = await headersSeen(['X-Request-Id: two words', 'traceparent: nonsense']);
    expect(seen['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });
});

describe('a response', () => {
  test('reaches the client with status, headers and body as they were sent', async () => {
    const { url: upstream } = await startServer((_request, response) => {
      response.writeHead(409, [
        ['Content-Type', 'application/problem+json'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['ETag', '"3"'],
      ]);
      response.end('{"code":"slot-taken"}');
    });
    const { url } = await startGateway({ patients: [upstream] });
    const response = await fetch(`${url}/api/v1/patients`);
    expect(response.status).toBe(409);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('etag')).toBe('"3"');
    expect(await response.text()).toBe('{"code":"slot-taken"}');
  });

  test('has one request id, the gateway’s, and no header of the other connection', async () => {
    const { url: upstream } = await startServer((_request, response) => {
      response.writeHead(200, {
        'x-request-id': 'of-the-service',
        connection: 'X-Private, keep-alive',
        'x-private': '1',
        'proxy-authenticate': 'Basic',
        'x-public': '2',
      });
      response.end('ok');
    });
    const { port } = await startGateway({ patients: [upstream] });
    const request = ['GET /api/v1/patients HTTP/1.1', 'Host: x', 'X-Request-Id: mine', 'Connection: close'];
    const response = await sendRaw(port, `${request.join('\r\n')}\r\n\r\n`);
    const [head = ''] = response.toLowerCase().split('\r\n\r\n');
    const headers = head.split('\r\n').slice(1);
    expect(headers.filter((line) => line.startsWith('x-request-id'))).toEqual(['x-request-id: mine']);
    expect(headers.filter((line) => line.startsWith('date'))).toHaveLength(1);
    expect(headers.filter((line) => line.startsWith('connection'))).toEqual(['connection: close']);
    expect(headers).toContain('x-public: 2');
    expect(head).not.toMatch(/x-private|proxy-authenticate/);
  });

  test('to HEAD and a response 304 have no body and leave the connection usable', async () => {
    const { url: upstream } = await startServer((request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, { 'content-length': '5' });
      else response.writeHead(304, { etag: '"1"' });
      response.end();
    });
    const { url } = await startGateway({ patients: [upstream] });
    const head = await fetch(`${url}/api/v1/patients`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '5']);
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(304);
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(304);
  });

  test('of several requests on one connection keep their order', async () => {
    const { url: upstream } = await startServer((request, response) => response.end(request.url));
    const { port } = await startGateway({ patients: [upstream] });
    const request = (id: number, connection: string) =>
      `GET /api/v1/patients/${id} HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;
    const response = await sendRaw(port, request(1, 'keep-alive') + request(2, 'keep-alive') + request(3, 'close'));
    expect(response.match(/\/api\/v1\/patients\/\d/g)).toEqual([1, 2, 3].map((id) => `/api/v1/patients/${id}`));
  });
});

describe('what no route matches', () => {
  test('gets a response of the gateway itself', async () => {
    const { url } = await startGateway();
    const response = await fetch(`${url}/api/v1/patientsX`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'not-found', instance: '/api/v1/patientsX' });
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect(await (await fetch(`${url}/info`)).json()).toMatchObject({ name: 'gateway-service' });
  });

  test('leads from the root to the documentation', async () => {
    const { url } = await startGateway();
    const response = await fetch(`${url}/`, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, '/docs']);
  });
});
