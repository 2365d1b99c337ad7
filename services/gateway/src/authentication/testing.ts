/**
 * Starts a small issuer for this folder's tests: a real HTTP server with real keys and signatures, that can be slow, away
 * or wrong. `e2e/src/system/gateway-session.test.ts` has the identity service itself.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AccessTokenClaims } from '@daybook/access';
import { createTestClock, createTestIssuer, type TestIssuer } from '@daybook/access/testing';
import { PATIENTS, startGateway, startServer, TEST_PUBLIC_URL, type TestGatewayOptions } from '../testing.ts';

/** Under TLS, as the public address of the tests is. */
export const COOKIE = '__Host-daybook';

/** Returns a value that a session cookie could have. */
export const sessionNamed = (name: string): string => name.padEnd(43, '0');

export const cookieOf = (name: string): { cookie: string } => ({ cookie: `${COOKIE}=${sessionNamed(name)}` });

export interface Exchange {
  readonly session: string;
  readonly isActive: boolean;
}

/** How the issuer responds to exchanges. */
export type Mood = 'working' | 'hanging' | 'failing' | 'rejecting-the-gateway';

/** Starts an issuer, a gateway that believes it, and a service that responds with the headers that it received. */
export async function startWithIssuer(options: TestGatewayOptions = {}) {
  const time = createTestClock();
  const issuer = await createTestIssuer(time);
  const live = new Map<string, Partial<AccessTokenClaims>>();
  const exchanges: Exchange[] = [];
  const revoked: string[] = [];
  const state: { mood: Mood; keySet: () => Promise<string>; signer: TestIssuer } = {
    mood: 'working',
    keySet: () => issuer.signKeySet(),
    signer: issuer,
  };

  async function respondToExchange(request: IncomingMessage): Promise<[number, object]> {
    const form = new URLSearchParams(await text(request));
    const session = form.get('subject_token') ?? '';
    exchanges.push({ session, isActive: form.get('activity') === 'true' });
    if (state.mood === 'failing') return [503, { error: 'temporarily_unavailable' }];
    if (state.mood === 'rejecting-the-gateway') return [401, { error: 'invalid_client' }];
    const claims = live.get(session);
    if (!claims) return [400, { error: 'invalid_grant' }];
    const access_token = await state.signer.sign({ exp: time.nowSeconds() + 65 * 60, ...claims });
    return [200, { access_token, token_type: 'Bearer', expires_in: 65 * 60 }];
  }

  const listener: RequestListener = async (request, response) => {
    if (request.url === '/identity/keys') {
      response.end(await state.keySet());
    } else if (request.url === '/identity/token') {
      const [status, body] = await respondToExchange(request);
      if (state.mood === 'hanging') return;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } else if (request.url === '/identity/token/revocation') {
      revoked.push(new URLSearchParams(await text(request)).get('token') ?? '');
      response.writeHead(state.mood === 'failing' ? 503 : 200).end();
    } else {
      response.end(JSON.stringify(request.headers));
    }
  };
  const identity = await startServer(listener);
  const service = await startServer((request, response) => {
    request.resume();
    response.end(JSON.stringify(request.headers));
  });
  const gateway = await startGateway({
    routes: [PATIENTS, { id: 'identity', predicates: { path: ['/identity/**'] }, service: 'identity-service' }],
    patients: [service.url],
    identity: [identity.url],
    issuer,
    clock: time.clock,
    publicUrl: TEST_PUBLIC_URL,
    ...options,
  });

  /** Sends a request to the service through the gateway. */
  const send = (headers: Record<string, string> = {}, init: Omit<RequestInit, 'headers'> = {}) =>
    fetch(`${gateway.url}/api/v1/patients`, { ...init, headers });

  /** Returns the headers that the service received, or the status of another response. */
  async function seen(headers: Record<string, string> = {}): Promise<Record<string, string>> {
    const response = await send(headers);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return (await response.json()) as Record<string, string>;
  }

  return {
    ...gateway,
    time,
    issuer,
    identity,
    service,
    state,
    exchanges,
    revoked,
    send,
    seen,
    start: (name: string, claims: Partial<AccessTokenClaims> = {}) => void live.set(sessionNamed(name), claims),
    end: (name: string) => void live.delete(sessionNamed(name)),
    keyFetches: () => identity.requests.filter((request) => request.endsWith('/identity/keys')).length,
    leave: () => gateway.discovery.setInstances('identity-service', []),
    comeBack: () => gateway.discovery.setInstances('identity-service', [identity.url]),
  };
}
