/** A foreign issuer for tests: oidc-provider over real sockets, whose token responses a test can falsify. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { generatePrivateJwk } from '@daybook/access';
import { WebClient } from '@daybook/testing/web-client';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { expect, onTestFinished } from 'vitest';
import { loadLibrary } from '../oidc/library.ts';
import { PUBLIC_URL } from '../testing.ts';

export const FOREIGN_CALLBACK = `${PUBLIC_URL}/identity/foreign/callback`;
const CLIENT = { clientId: 'daybook', clientSecret: 'a secret of Daybook at the foreign issuer' };

/** A person at the issuer. Members beside the subject are claims of the ID token. */
export interface ForeignSubject {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

interface TokenResponse {
  id_token?: string;
}

/** Changes the response of the token endpoint. `sign` makes an ID token with the key of the issuer. */
export type Falsify = (
  claims: Record<string, unknown>,
  sign: (claims: object, alg?: string) => Promise<string>,
) => Promise<string> | string;

async function listen(server: Server, port = 0): Promise<number> {
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const address = server.address();
  return typeof address === 'object' && address ? address.port : expect.fail('the server has no port');
}

function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}

type PrivateJwk = Awaited<ReturnType<typeof generatePrivateJwk>>;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs as the issuer would. With `none` the signature is empty. */
async function signWith(jwk: PrivateJwk, keyId: string, claims: object, alg: string): Promise<string> {
  const input = `${encode({ alg, kid: keyId, typ: 'JWT' })}.${encode(claims)}`;
  if (alg === 'none') return `${input}.`;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']);
  const signature = await crypto.subtle.sign(algorithm, key, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

function claimsOf(idToken: string): Record<string, unknown> {
  const claims: unknown = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString());
  return typeof claims === 'object' && claims !== null ? { ...claims } : expect.fail('the ID token has no claims');
}

async function makeProvider(issuer: string, jwk: PrivateJwk, people: Map<string, ForeignSubject>): Promise<Provider> {
  // Given explicitly, because the library warns about its own choice.
  const [{ Provider }, { createMemoryAdapter }] = await Promise.all([
    loadLibrary(),
    import('oidc-provider/lib/adapters/memory_adapter.js'),
  ]);
  const claimNames = ['name', 'email', 'locale', 'roles', 'realm_access'];
  return new Provider(issuer, {
    adapter: createMemoryAdapter(0),
    jwks: { keys: [{ ...jwk, kty: 'EC', kid: 'foreign-key', alg: 'ES256', use: 'sig' }] },
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [FOREIGN_CALLBACK],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    cookies: { keys: ['a key of the foreign issuer'] },
    claims: { openid: ['sub', ...claimNames] },
    conformIdTokenClaims: false,
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => people.get(sub) ?? { sub } }),
    // Its people have agreed to everything.
    async loadExistingGrant({ oidc }: KoaContextWithOIDC) {
      const { client, session } = oidc;
      if (!client || !session?.accountId) return undefined;
      const grant = new oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
}

export async function startForeignIssuer({ port = 0 } = {}) {
  const people = new Map<string, ForeignSubject>();
  const requests: string[] = [];
  const jwk = await generatePrivateJwk();
  let signedInAs = '';
  let falsify: Falsify | undefined;
  let outage: RequestListener | undefined;
  let listener: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    (outage ?? listener)(request, response);
  });
  const url = `http://127.0.0.1:${await listen(server, port)}`;
  const provider = await makeProvider(url, jwk, people);
  const respond = provider.callback();
  const inner = createServer(respond);
  const innerUrl = `http://127.0.0.1:${await listen(inner)}`;
  onTestFinished(() => close(server));
  onTestFinished(() => close(inner));

  /** Passes a request for a token on, and changes the response. */
  async function falsifyToken(...[request, response]: Parameters<RequestListener>): Promise<void> {
    const { authorization = '' } = request.headers;
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const body = Buffer.concat(await request.toArray());
    const token = await fetch(`${innerUrl}/token`, { method: 'POST', headers, body });
    const content = (await token.json()) as TokenResponse;
    if (content.id_token !== undefined && falsify) {
      const sign = (claims: object, alg = 'ES256') => signWith(jwk, 'foreign-key', claims, alg);
      content.id_token = await falsify(claimsOf(content.id_token), sign);
    }
    response.writeHead(token.status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
  }

  listener = async (request, response) => {
    if (request.url === '/token' && falsify) return falsifyToken(request, response);
    if (!request.url?.startsWith('/interaction/')) return respond(request, response);
    await provider.interactionFinished(request, response, { login: { accountId: signedInAs } });
  };

  return {
    url,
    people,
    /** The paths and queries of all requests. */
    requests,
    settings: { url: new URL(url), ...CLIENT, roleClaim: 'roles' },
    setFalsify(change: Falsify | undefined) {
      falsify = change;
    },
    /** Lets the issuer respond in another way, or again as itself. */
    setOutage(handler: RequestListener | undefined) {
      outage = handler;
    },
    /** Goes through the sign-in there as a person, and returns the address that leads back. */
    async signIn(subject: ForeignSubject, start: string, browser = new WebClient()): Promise<string> {
      people.set(subject.sub, subject);
      signedInAs = subject.sub;
      const last = await browser.follow(start);
      return last.location?.href ?? expect.fail(`the browser stays there: ${last.status} ${last.text}`);
    },
  };
}
