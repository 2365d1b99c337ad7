import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { bareApp } from '../testing.ts';
import { createKnownHosts, knownHostsOf } from './known-hosts.ts';

const at = (host: string | undefined, localAddress = '127.0.0.1', url = '/info') => ({
  url,
  headers: { ...(host !== undefined && { host }) },
  socket: { localAddress },
});

it.each(['localhost', 'LOCALHOST:1', 'localhost.', '127.0.0.1:8080', '[::1]:8080', '[::1]', undefined])(
  'an application on loopback accepts the Host %s',
  (host) => {
    expect(createKnownHosts().isFor(at(host))).toBe(true);
  },
);

it.each([
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '10.0.0.1',
  '',
  'localhost:8080:8080',
])('an application on loopback rejects the Host %j', (host) => {
  const hosts = createKnownHosts();
  expect(hosts.isFor(at('localhost:8080'))).toBe(true);
  for (const address of ['127.0.0.1', '127.0.1.1', '::1', '::ffff:127.0.0.1']) {
    expect(hosts.isFor(at(host, address))).toBe(false);
  }
});

it('an application accepts the names that it is given, on any port', () => {
  const hosts = createKnownHosts();
  hosts.add('Appointment-1', 'fe80::1');
  for (const host of ['appointment-1:8080', 'appointment-1', '[fe80::1]:1']) expect(hosts.isFor(at(host))).toBe(true);
});

it.each(['127.0.0.2', '127.1.2.3:8080'])('an application is known by every loopback address: %s', (host) => {
  expect(createKnownHosts().isFor(at(host, '127.0.0.1'))).toBe(true);
});

it.each(['127.evil.example', '127.0.0.1.evil.example'])('a name is not an address: %s', (host) => {
  expect(createKnownHosts().isFor(at(host, '127.0.0.1'))).toBe(false);
});

it('an application on another address accepts any Host, and with a public URL only those that it is known by', () => {
  const hosts = createKnownHosts();
  expect(hosts.isFor(at('gateway:8080', '10.1.2.3'))).toBe(true);
  hosts.addPublicUrl('https://daybook.example.org');
  expect(hosts.isFor(at('gateway:8080', '10.1.2.3'))).toBe(false);
  expect(hosts.isFor(at('daybook.example.org', '10.1.2.3'))).toBe(true);
  expect(hosts.isFor(at('10.1.2.3:8080', '::ffff:10.1.2.3'))).toBe(true);
});

it('a load balancer may read the health of an application by any address, and by no foreign name', () => {
  const hosts = createKnownHosts();
  hosts.addPublicUrl('https://daybook.example.org');
  expect(hosts.isFor(at('10.9.9.9:30080', '10.1.2.3', '/health/ready'))).toBe(true);
  expect(hosts.isFor(at('10.9.9.9:30080', '10.1.2.3', '/api/v1/patients'))).toBe(false);
  expect(hosts.isFor(at('evil.example', '10.1.2.3', '/health/ready'))).toBe(false);
});

async function send(port: number, headers: Record<string, string>, method = 'GET', host = '127.0.0.1') {
  const sent = request({ host, port, path: '/things', method, headers });
  sent.end();
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject);
  });
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

async function listening(host = '127.0.0.1'): Promise<number> {
  const { app } = await bareApp();
  app.get('/things', async () => ({ items: [] }));
  app.post('/things', async () => ({ done: true }));
  onTestFinished(() => app.close());
  return Number(new URL(await app.listen({ host, port: 0 })).port);
}

it('a service rejects a request for another host with a problem', async () => {
  const { status, headers, body } = await send(await listening(), { host: 'evil.example' });
  expect(status).toBe(421);
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  expect(JSON.parse(body)).toMatchObject({ code: 'misdirected-request', status: 421 });
});

it('a service on every address rejects it where it comes over loopback', async () => {
  const port = await listening('0.0.0.0');
  expect((await send(port, { host: 'evil.example' })).status).toBe(421);
  const other = Object.values(networkInterfaces())
    .flatMap((some) => some ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  if (other) expect((await send(port, { host: 'patient' }, 'GET', other.address)).status).toBe(200);
});

it.each([
  ['the Origin of another site', { origin: 'https://evil.example' }],
  ['the Origin of no site', { origin: 'null' }],
  ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
])('a service rejects a POST with %s that comes by no gateway', async (_what, headers) => {
  const port = await listening();
  const response = await send(port, headers, 'POST');
  expect([response.status, JSON.parse(response.body).code]).toEqual([403, 'cross-site-request']);
  expect((await send(port, { ...headers, 'x-forwarded-host': 'daybook.example' }, 'POST')).status).toBe(200);
  expect((await send(port, headers)).status).toBe(200);
});

it('a service takes a POST of its own page although the referrer policy makes Origin null', async () => {
  const port = await listening();
  expect((await send(port, { origin: 'null', 'sec-fetch-site': 'same-origin' }, 'POST')).status).toBe(200);
  for (const site of ['cross-site', 'same-site', 'none']) {
    expect((await send(port, { origin: 'null', 'sec-fetch-site': site }, 'POST')).status).toBe(403);
  }
});

it.each([{}, { 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin' }])(
  'a service takes a POST with %j',
  async (headers) => {
    const port = await listening();
    expect((await send(port, headers, 'POST')).status).toBe(200);
    expect((await send(port, { ...headers, origin: `http://127.0.0.1:${port}` }, 'POST')).status).toBe(200);
  },
);

it('hosts belong to one application', async () => {
  const [one, other] = [(await bareApp()).app, (await bareApp()).app];
  expect(knownHostsOf(one)).toBe(knownHostsOf(one));
  expect(knownHostsOf(one)).not.toBe(knownHostsOf(other));
});
