/** The protocol of OpenID Connect keeps the rules of every application of ours: hosts, sites, methods, sizes, errors. */
import { DatabaseUnavailable } from '@daybook/database';
import { beforeAll, expect, it } from 'vitest';
import { startIdentity } from '../testing.ts';
import { loadLibrary } from './library.ts';

// Loading it takes longer than a request may, on a machine that is busy with other tests.
beforeAll(loadLibrary, 120_000);

const JSON_TYPE = 'application/problem+json; charset=utf-8';

async function start() {
  const started = await startIdentity();
  const call = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, started.baseUrl), { redirect: 'manual', ...init });
  return { ...started, call };
}

it.each([
  ['GET', '/identity/nothing', 404],
  ['GET', '/identity/reg', 404],
  ['GET', '/identity/device', 404],
  ['GET', '/identity/token', 405],
  ['PUT', '/identity/jwks', 405],
  ['HEAD', '/identity/auth', 405],
])('%s %s is %d, as everywhere', async (method, path, status) => {
  const { call } = await start();
  const response = await call(path, { method });
  expect([response.status, response.headers.get('content-type')]).toEqual([status, JSON_TYPE]);
});

it('responses have the safe headers and the id of the request', async () => {
  const { call } = await start();
  for (const path of ['/identity/jwks', '/identity/auth', '/identity/.well-known/openid-configuration']) {
    const { headers } = await call(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{8,}$/);
    expect([path, headers.get('x-frame-options')]).toEqual([path, 'DENY']);
  }
});

it('addresses are those of the public URL, whatever the Host is', async () => {
  const { call } = await start();
  const text = await (await call('/identity/.well-known/openid-configuration')).text();
  const addresses = [...text.matchAll(/"(https?:\/\/[^"]+)"/g)].map(([, address]) => address);
  expect(addresses.length).toBeGreaterThan(6);
  for (const address of addresses) expect(address).toMatch(/^https:\/\/daybook\.example\/identity/);
});

it('a page of another site cannot send a token request', async () => {
  const { call } = await start();
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  const response = await call('/identity/token', { method: 'POST', headers, body: new URLSearchParams({ a: 'b' }) });
  expect([response.status, await response.json()]).toMatchObject([403, { code: 'cross-site-request' }]);
});

it('a body that is too large is 413, and one in pieces is rejected, too', async () => {
  const { call } = await start();
  const large = 'a'.repeat(57 * 1024);
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const whole = await call('/identity/token', { method: 'POST', headers: type, body: large });
  expect([whole.status, await whole.json()]).toMatchObject([413, { code: 'body-too-large' }]);
  const pieces = new ReadableStream({
    start(controller) {
      for (let count = 0; count < 60; count += 1) controller.enqueue(new TextEncoder().encode('a'.repeat(1_024)));
      controller.close();
    },
  });
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers: type, body: pieces, duplex: 'half' };
  const response = await call('/identity/token', init);
  expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_request' }]);
});

it('a wrong request is an error of OAuth for programs, and a page without scripts for people', async () => {
  const { call } = await start();
  const json = await call('/identity/auth?client_id=unknown', { headers: { accept: 'application/json' } });
  expect(json.status).toBe(400);
  const page = await call('/identity/auth?client_id=%3Cscript%3E', { headers: { accept: 'text/html' } });
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).not.toContain('<script>');
});

it('an unavailable database is 503 with the time to wait, for programs and for people', async () => {
  const { call, database } = await start();
  await call('/identity/jwks');
  const away = () => Promise.reject(new DatabaseUnavailable(new Error('away')));
  Object.assign(database, { read: away, write: away });
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'unknown' });
  const unknown = await call('/identity/token', { method: 'POST', body });
  expect(unknown.status).toBe(503);
  expect(await unknown.json()).toMatchObject({ error: 'temporarily_unavailable' });
  expect(unknown.headers.get('retry-after')).toBe('1');
  const page = await call('/identity/sign-in/code', { headers: { cookie: '__Host-daybook-sign-in=x' } });
  expect([page.status, page.headers.get('retry-after'), page.headers.get('content-type')]).toEqual([
    503,
    '1',
    'text/html; charset=utf-8',
  ]);
  // The keys are known, so services still get them.
  expect((await call('/identity/keys')).status).toBe(200);
});

it('an unexpected failure is 500 without its message, and is in the log', async () => {
  const { call, database, log } = await start();
  await call('/identity/jwks');
  const broken = () => Promise.reject(new Error('secret detail'));
  Object.assign(database, { read: broken, write: broken });
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'unknown' });
  const response = await call('/identity/token', { method: 'POST', body });
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('secret detail');
  expect(log.join('')).toContain('unexpected error');
});
