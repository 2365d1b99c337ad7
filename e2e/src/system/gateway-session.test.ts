/** A person signs in at the identity service itself, through a gateway that exchanges the session at it. */
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { generatePrivateJwk, importSigningKey, publicJwkOf } from '@daybook/access';
import { startGateway } from '@daybook/gateway-service/testing';
import { startIdentity } from '@daybook/identity-service/testing';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const COOKIE = '__Host-daybook';
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin', 'x-requested-with': 'test' };

// The first request of the protocol loads oidc-provider, which takes longer than a request may on a busy machine.
beforeAll(() => import('oidc-provider/lib/provider.js'), 120_000);

async function listen(server: Server): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

async function startClinic() {
  const jwk = await generatePrivateJwk();
  const identity = await startIdentity({
    clients: [{ kind: 'service', id: 'gateway-service', keys: [await publicJwkOf(jwk)] }],
  });
  /** What the service received, and how often. */
  const received: { authorization: string | undefined; cookie: string | undefined }[] = [];
  const service = await listen(
    createServer(({ headers: { authorization, cookie } }, response) => {
      received.push({ authorization, cookie });
      response.end('{}');
    }),
  );
  const gateway = await startGateway({
    patients: [service],
    identity: [identity.baseUrl],
    issuer: identity,
    serviceKey: await importSigningKey(jwk),
    clock: identity.clock,
    publicUrl: 'https://daybook.example',
    routes: [
      { id: 'patients', predicates: { path: ['/api/v1/patients'] }, service: 'patient-service' },
      { id: 'identity', predicates: { path: ['/identity/**'] }, service: 'identity-service' },
    ],
  });

  /** Signs a person in by the pages, and returns the value of the session cookie. */
  async function signIn(role: 'patient' | 'administrator' = 'patient', email = `${role}@example.org`) {
    const browser = identity.newBrowser();
    await identity.signIn(browser, await identity.addPerson(role, { email }));
    return browser.cookies.get(COOKIE)?.value ?? expect.fail('the browser has no session');
  }

  const send = (session: string, headers: Record<string, string> = {}, init: Omit<RequestInit, 'headers'> = {}) =>
    fetch(`${gateway.url}/api/v1/patients`, { ...init, headers: { cookie: `${COOKIE}=${session}`, ...headers } });

  return { identity, gateway, received, signIn, send };
}

describe('a person who has signed in', () => {
  test('reaches services with a token and without the cookie', async () => {
    const { received, signIn, send } = await startClinic();
    const session = await signIn();
    expect((await send(session)).status).toBe(200);
    expect((await send(session, SAME_ORIGIN, { method: 'POST', body: '{}' })).status).toBe(200);
    expect((await send(session, {}, { method: 'POST', body: '{}' })).status).toBe(403);
    expect(received).toEqual(Array(2).fill({ authorization: expect.stringMatching(/^Bearer ey/), cookie: undefined }));
  });

  test('is signed out everywhere within a minute after the session was revoked', async () => {
    const { identity, signIn, send } = await startClinic();
    const session = await signIn();
    expect((await send(session)).status).toBe(200);
    await identity.sessions.end(session);
    identity.advance({ seconds: 60 });
    const response = await send(session);
    expect([response.status, response.headers.get('set-cookie')]).toEqual([401, expect.stringContaining('Max-Age=0')]);
  });

  test('goes on until the token expires while identity is away', async () => {
    const { identity, gateway, signIn, send } = await startClinic();
    const [known, unknown] = [await signIn(), await signIn('patient', 'other@example.org')];
    expect((await send(known)).status).toBe(200);
    gateway.discovery.setInstances('identity-service', []);
    identity.advance({ minutes: 64 });
    expect((await send(known)).status).toBe(200);
    const response = await send(unknown);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    identity.advance({ minutes: 1 });
    expect((await send(known)).status).toBe(503);
  });

  test('ends the session by POST /logout', async () => {
    const { identity, gateway, signIn, send } = await startClinic();
    const session = await signIn();
    expect((await send(session)).status).toBe(200);
    const headers = { cookie: `${COOKIE}=${session}`, ...SAME_ORIGIN };
    expect((await fetch(`${gateway.url}/logout`, { method: 'POST', headers })).status).toBe(204);
    expect(await identity.sessions.find(session, { isActive: false })).toBeUndefined();
    expect((await send(session)).status).toBe(401);
  });

  test('reads the routes as an administrator only', async () => {
    const { gateway, signIn } = await startClinic();
    const read = (session: string) =>
      fetch(`${gateway.url}/admin/routes`, { headers: { cookie: `${COOKIE}=${session}` } });
    expect((await read(await signIn('administrator'))).status).toBe(200);
    expect((await read(await signIn())).status).toBe(403);
  });

  test('finds the pages of identity through the gateway', async () => {
    const { gateway } = await startClinic();
    const login = await fetch(`${gateway.url}/login?return_to=/docs`, { redirect: 'manual' });
    const page = await fetch(new URL(login.headers.get('location') ?? '', gateway.url));
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('name="return_to" value="/docs"')]);
  });
});

test('a session is not ended by another client', async () => {
  const { identity, signIn } = await startClinic();
  const session = await signIn();
  const response = await fetch(`${identity.baseUrl}/identity/token/revocation`, {
    method: 'POST',
    body: new URLSearchParams({
      token: session,
      token_type_hint: 'urn:daybook:token-type:session',
      client_id: 'gateway-service',
    }),
  });
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(await identity.sessions.find(session, { isActive: false })).toBeDefined();
});
