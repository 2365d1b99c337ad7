/** Checks that the gateway's routes and a service's see the same path, or that the service sees none. */
import { createLogger, createServiceApp } from '@daybook/service';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../testing.ts';
import { expectRefusal, sendBytes, shareGatewayAndRecorder, startGatewayAndRecorder, statusesIn } from './testing.ts';

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

describe('refused, and goes nowhere:', () => {
  const refuses = shareGatewayAndRecorder();

  test.each([
    ['a segment of two dots', '/api/v1/patients/../admin'],
    ['two dots at the end', '/api/v1/patients/..'],
    ['a segment of one dot', '/api/v1/patients/./1'],
    ['one dot at the end', '/api/v1/patients/.'],
    ['dots before a parameter', '/api/v1/patients/..;a=b/admin'],
    ['dots from another service', '/api/v1/patients/../doctors'],
    ['dots into the routes', '/health/../api/v1/patients'],
    ['encoded dots', '/api/v1/patients/%2e%2e/admin'],
    ['half encoded dots', '/api/v1/patients/.%2E/admin'],
    ['dots that are encoded twice', '/api/v1/patients/%252e%252e/admin'],
    ['an encoded slash', '/api/v1/patients/..%2fadmin'],
    ['an encoded slash in capitals', '/api/v1/patients%2F1'],
    ['a slash that is encoded twice', '/api/v1/patients/a%252fb'],
    ['a backslash', '/api/v1/patients/..\\admin'],
    ['an encoded backslash', '/api/v1/patients/..%5cadmin'],
    ['an empty segment', '/api/v1/patients//1'],
    ['an empty segment before all', '//api/v1/patients'],
    ['an encoded letter', '/api/v1/%70atients'],
    ['an encoded letter below a route', '/api/v1/patients/1/%65xport'],
    ['an encoded NUL', '/api/v1/patients/%00'],
    ['an encoded line end', '/api/v1/patients/%0d%0aX-A:1'],
    ['an encoded DEL', '/api/v1/patients/%7f'],
    ['a fragment', '/api/v1/patients/1#/export'],
    ['a fragment after the path of a route', '/api/v1/patients#'],
    ['a fragment after the query', '/api/v1/patients?q=1#x'],
    ['an escape without digits', '/api/v1/patients/%zz'],
    ['half an escape', '/api/v1/patients/%4'],
    ['overlong UTF-8', '/api/v1/patients/%c0%ae%c0%ae/admin'],
    ['half a letter of UTF-8', '/api/v1/patients/%c3'],
    ['a surrogate', '/api/v1/patients/%ed%a0%80'],
    ['a byte that is no ASCII', '/api/v1/patients/\xe4'],
    ['raw overlong UTF-8', '/api/v1/patients/\xc0\xae\xc0\xae/admin'],
    ['such a byte in the query', '/api/v1/patients?q=\xe4'],
    ['a NUL', '/api/v1/patients/\0'],
    ['a DEL', '/api/v1/patients/\x7f'],
    ['a tab', '/api/v1/patients/\t1'],
    ['a blank', '/api/v1/patients/ 1'],
    ['a whole URL', 'http://x/api/v1/patients'],
    ['a whole URL of another host', 'http://evil.example/api/v1/patients'],
    ['a whole URL with a user', 'http://a:b@x/api/v1/patients'],
    ['a whole URL of the gateway’s own', 'http://x/health/live'],
    ['another scheme', 'ftp://x/api/v1/patients'],
    ['a host and a port', 'x:80'],
    ['an asterisk', '*'],
    ['a path without its slash', 'api/v1/patients'],
    ['a query alone', '?q=1'],
  ])('%s', async (_what, target) => {
    await refuses(get(target), 400);
  });
});

describe('passed on as it came:', () => {
  test.each([
    '/api/v1/patients/',
    '/api/v1/patients/1/',
    '/api/v1/patients/1.',
    '/api/v1/patients/...',
    '/api/v1/patients/..a',
    '/api/v1/patients/1;a=b',
    '/api/v1/patients/a%20b',
    '/api/v1/patients/a%3fb%23c',
    '/api/v1/patients/50%25',
    '/api/v1/patients/%C3%A4',
    '/api/v1/patients/a:b@c!$&\'()*+,="<>|^`{}',
    '/api/v1/patients?q=../%2e%2e/%2f%5c%00%zz//;a',
    '/api/v1/patients?',
    '/api/v1/patients??a',
  ])('%s', async (target) => {
    const { send, upstream } = await startGatewayAndRecorder();
    expect(statusesIn(await send(get(target)))).toEqual([200]);
    expect(upstream.completed).toEqual([`GET ${target}`]);
  });
});

test.each([
  '/api/v1/patients;a=b',
  '/api/v1/patients.',
  '/API/V1/patients',
  '/api/v1/patients%3f',
  '/api/v1/patients%20',
])('%s is not a path of a route', async (target) => {
  const { send, upstream } = await startGatewayAndRecorder();
  expectRefusal(await send(get(target)), 404);
  expect(upstream.bytes()).toBe('');
});

test('a WebSocket gets through no path that is refused', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  const handshake = [
    'GET /api/v1/patients/%2e%2e/admin HTTP/1.1',
    'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket',
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  ];
  expectRefusal(await send(handshake.join('\r\n')), 400);
  expect(upstream.bytes()).toBe('');
});

test('OPTIONS of an asterisk is refused', async () => {
  const { send } = await startGatewayAndRecorder();
  expectRefusal(await send('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), 400);
});

test('the authority of CONNECT is refused', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  expectRefusal(await send('CONNECT /api/v1/patients HTTP/1.1\r\nHost: x\r\n\r\n'), 400);
  expectRefusal(await send('CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n'), 400);
  expect(upstream.bytes()).toBe('');
});

/** Starts a service with a router like Daybook's, which reports how it read the path. */
async function startService() {
  const logger = createLogger({ level: 'silent' });
  const service = await createServiceApp({ name: 'patient-service', logger, openApi: false });
  for (const path of [
    '/files/v1/patients/:id',
    '/files/v1/patients/:id/export',
    '/files/v1/patients/:id/visits/:visit',
  ]) {
    service.get(path, async ({ params }) => ({ path, params }));
  }
  service.get('/admin', async () => ({ path: '/admin' }));
  const url = await service.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    service.server.closeAllConnections();
    await service.close();
  });
  return url;
}

describe('a route that is open for what is below it opens nothing else of its service:', () => {
  const routes = [
    { id: 'all', predicates: { path: ['/files/v1/patients/**'] }, service: 'patient-service' },
    {
      id: 'export',
      predicates: { path: ['/files/v1/patients/{id}/export'] },
      filters: [{ redirect: { status: 308, location: '/closed' } }],
      service: 'patient-service',
    },
  ];

  test.each([
    '/files/v1/patients/1/export',
    '/files/v1/patients/1/export?a',
    '/files/v1/patients/1/export#',
    '/files/v1/patients/1/export#?a',
    '/files/v1/patients/1/%65xport',
    '/files/v1/patients/1/e%78port',
    '/files/v1/patients/1//export',
    '/files/v1/patients/1/./export',
    '/files/v1/patients/1%2fexport',
    '/files/v1/patients/1/export/',
    '/files/v1/patients/1/export;a',
    '/files/v1/patients/1/export%3f',
    '/files/v1/patients/1/export%23',
    '/files/v1/patients/1/EXPORT',
    '/files/v1/patients/../../../admin',
    '/files/v1/patients/%2e%2e/%2e%2e/%2e%2e/admin',
  ])('%s', async (target) => {
    const { port } = await startGateway({ patients: [await startService()], routes });
    const response = await sendBytes(port, get(target));
    expect(statusesIn(response)[0]).toBeGreaterThanOrEqual(300);
    expect(response).not.toContain('"path":');
  });

  test.each([
    ['/files/v1/patients/a%20b', { id: 'a b' }],
    ['/files/v1/patients/a%3fb', { id: 'a?b' }],
    ['/files/v1/patients/a;b', { id: 'a;b' }],
    ['/files/v1/patients/..a/visits/%C3%A4', { id: '..a', visit: 'ä' }],
  ])('%s is one segment for both', async (target, params) => {
    const { port } = await startGateway({ patients: [await startService()], routes });
    const response = await sendBytes(port, get(target));
    expect(JSON.parse(Buffer.from(response.split('\r\n\r\n')[1] ?? '', 'latin1').toString())).toMatchObject({ params });
  });
});
