/** A foreign client, openid-client, over real sockets: sign-in by the authorization code flow, and what follows. */
import { createHash } from 'node:crypto';
import { createTokenVerifier, verifyKeySet } from '@daybook/access';
import { createFixedKeySource } from '@daybook/access/testing';
import { newId } from '@daybook/database';
import * as client from 'openid-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Browser, formsIn, PUBLIC_URL, startIdentity } from '../testing.ts';
import type { ConfiguredClient } from './clients.ts';
import { loadLibrary } from './library.ts';

const ISSUER = `${PUBLIC_URL}/identity`;
const CALLBACK = 'https://portal.example/callback';
const SIGNED_OUT = 'https://portal.example/bye';
const API = 'urn:daybook:api';
/** Returns the one form of a page. */
const formsOf = (page: string) => formsIn(page)[0] ?? expect.fail('the page has no form');

const SECRET = 'a secret of the portal that is long enough';

const portal: ConfiguredClient = {
  kind: 'application',
  id: 'portal',
  name: 'Portal',
  redirectUris: [CALLBACK],
  postLogoutRedirectUris: [SIGNED_OUT],
  secret: SECRET,
};

async function startWithClient(configured: ConfiguredClient = portal) {
  const started = await startIdentity({ clients: [configured] });
  const { baseUrl, rootKey, clock } = started;
  /** Reaches the service as a client of the public address does, through a gateway. */
  const customFetch: client.CustomFetch = (url, options) => {
    const { origin, pathname, search } = new URL(url);
    expect(origin).toBe(PUBLIC_URL);
    const headers = { ...options.headers, 'x-forwarded-host': 'daybook.example', 'x-forwarded-for': '203.0.113.200' };
    // The bodies of this client are texts.
    return fetch(new URL(`${pathname}${search}`, baseUrl), { ...options, headers } as RequestInit);
  };
  const metadata = { id_token_signed_response_alg: 'ES256' };
  const authentication =
    'secret' in configured && configured.secret ? client.ClientSecretBasic(configured.secret) : client.None();
  const options = { [client.customFetch]: customFetch };
  const config = await client.discovery(new URL(ISSUER), configured.id, metadata, authentication, options);
  config[client.customFetch] = customFetch;

  /** Returns the address that starts a sign-in, and what the client has to keep for the end of it. */
  async function begin(parameters: Record<string, string> = {}) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const expectedNonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: configured.kind === 'application' ? (configured.redirectUris[0] ?? '') : '',
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
      ...parameters,
    });
    return { url, checks: { pkceCodeVerifier, expectedState, expectedNonce } };
  }

  /** Goes through the sign-in in a browser, and returns the address of the application that it ends at. */
  async function authorize(browser: Browser, url: URL): Promise<URL> {
    const last = await browser.follow(await browser.request(url.href));
    return new URL(last.location ?? expect.fail(`the browser stays: ${last.status} ${last.text}`));
  }

  /** Signs in, and returns the tokens. */
  async function tokensFor(browser: Browser, parameters: Record<string, string> = {}) {
    const { url, checks } = await begin(parameters);
    return client.authorizationCodeGrant(config, await authorize(browser, url), checks);
  }

  /** Verifies a token as our services do. */
  async function verify(token: string, audience: string) {
    const set = await verifyKeySet(
      await (await fetch(`${baseUrl}/identity/keys`)).text(),
      rootKey.verification,
      clock().epochMilliseconds,
    );
    const keys = [...set.keys].map(([keyId, publicKey]) => ({ keyId, publicKey }));
    const verifier = createTokenVerifier({
      issuer: ISSUER,
      audiences: [audience],
      keys: createFixedKeySource(keys),
      clock,
    });
    return verifier.verify(token);
  }

  return { ...started, config, customFetch, begin, authorize, tokensFor, verify };
}

// Loading it takes longer than a request may, on a machine that is busy with other tests.
beforeAll(loadLibrary, 120_000);

describe('a foreign application', () => {
  it('discovers the issuer, its endpoints and its public keys', async () => {
    const { config, customFetch } = await startWithClient();
    const metadata = config.serverMetadata();
    expect(metadata).toMatchObject({
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/auth`,
      token_endpoint: `${ISSUER}/token`,
      userinfo_endpoint: `${ISSUER}/me`,
      revocation_endpoint: `${ISSUER}/token/revocation`,
      end_session_endpoint: `${ISSUER}/session/end`,
      jwks_uri: `${ISSUER}/jwks`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
    const get = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const;
    const response = await customFetch(metadata.jwks_uri ?? '', get);
    const { keys } = (await response.json()) as { keys: Record<string, unknown>[] };
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('signs a person in by the code flow, and learns who it is', async () => {
    const { addPerson, newBrowser, signIn, begin, config, tokensFor } = await startWithClient();
    const dora = await addPerson('doctor', { displayName: 'Dora Doctor', email: 'dora@example.org' });
    const browser = newBrowser();
    const { url, checks } = await begin();
    const last = await signIn(browser, dora, url.href);
    const callback = new URL(last.location ?? '');
    expect(`${callback.origin}${callback.pathname}`).toBe(CALLBACK);
    const tokens = await client.authorizationCodeGrant(config, callback, checks);
    expect(tokens.claims()).toMatchObject({ iss: ISSUER, sub: dora.id, aud: 'portal', amr: ['pwd', 'otp'] });
    expect(tokens.expires_in).toBe(300);
    const person = { sub: dora.id, name: 'Dora Doctor', email: 'dora@example.org', locale: 'en' };
    expect(await client.fetchUserInfo(config, tokens.access_token, dora.id)).toEqual(person);
    // The person stays signed in, so the next application asks nothing.
    expect((await tokensFor(browser)).claims()).toMatchObject({ sub: dora.id });
  });

  it('gets a token for the API that our services accept', async () => {
    const { addPerson, newBrowser, signIn, tokensFor, verify, accounts, sessions } = await startWithClient();
    const ana = await addPerson();
    const patientId = newId();
    await accounts.linkPatient(ana.id, { patientId, relation: 'self' });
    const browser = newBrowser();
    await signIn(browser, ana);
    const { access_token } = await tokensFor(browser, { resource: API });
    const [session] = await sessions.list(ana.id);
    expect(await verify(access_token, 'daybook')).toEqual({
      id: ana.id,
      role: 'patient',
      patientIds: [patientId],
      sessionId: session?.handle,
      authenticatedAt: expect.any(Number),
    });
    await expect(verify(access_token, 'patient-service')).rejects.toMatchObject({ fault: 'audience' });
    const doctorId = newId();
    const dora = await addPerson('doctor', { doctorId, email: 'dora@example.org' });
    const another = newBrowser();
    await signIn(another, dora);
    const tokens = await tokensFor(another, { resource: API });
    expect(await verify(tokens.access_token, 'daybook')).toMatchObject({ id: dora.id, role: 'doctor', doctorId });
  });

  it('renews its tokens with a refresh token, each of which is good once', async () => {
    const { addPerson, newBrowser, signIn, tokensFor, verify, config } = await startWithClient();
    const browser = newBrowser();
    await signIn(browser, await addPerson());
    const first = await tokensFor(browser, { resource: API });
    const second = await client.refreshTokenGrant(config, first.refresh_token ?? '');
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(await verify(second.access_token, 'daybook')).toMatchObject({ role: 'patient' });
    // A used one came back, so one of the two who have it has stolen it: all of them end.
    const refused = { error: 'invalid_grant' };
    await expect(client.refreshTokenGrant(config, first.refresh_token ?? '')).rejects.toMatchObject(refused);
    await expect(client.refreshTokenGrant(config, second.refresh_token ?? '')).rejects.toMatchObject(refused);
  });

  it('gets one renewal when it uses a refresh token simultaneously', async () => {
    const { addPerson, newBrowser, signIn, tokensFor, config } = await startWithClient();
    const browser = newBrowser();
    await signIn(browser, await addPerson());
    const { refresh_token = '' } = await tokensFor(browser);
    const renewals = await Promise.allSettled(
      Array.from({ length: 4 }, () => client.refreshTokenGrant(config, refresh_token)),
    );
    expect(renewals.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    for (const renewal of renewals) {
      if (renewal.status === 'rejected') expect(renewal.reason).toMatchObject({ error: 'invalid_grant', status: 400 });
    }
  });

  it('gets tokens for a code once, also when it sends the code simultaneously', async () => {
    const { addPerson, newBrowser, signIn, begin, authorize, config } = await startWithClient();
    const browser = newBrowser();
    await signIn(browser, await addPerson());
    const { url, checks } = await begin();
    const callback = await authorize(browser, url);
    const uses = await Promise.allSettled(
      Array.from({ length: 4 }, () => client.authorizationCodeGrant(config, callback, checks)),
    );
    expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const use of uses) {
      if (use.status === 'rejected') expect(use.reason).toMatchObject({ error: 'invalid_grant', status: 400 });
    }
  });

  it('loses the tokens of a code that comes back later', async () => {
    const { addPerson, newBrowser, signIn, begin, authorize, config } = await startWithClient();
    const browser = newBrowser();
    await signIn(browser, await addPerson());
    const { url, checks } = await begin();
    const callback = await authorize(browser, url);
    const { refresh_token = '' } = await client.authorizationCodeGrant(config, callback, checks);
    const refused = { error: 'invalid_grant' };
    await expect(client.authorizationCodeGrant(config, callback, checks)).rejects.toMatchObject(refused);
    await expect(client.refreshTokenGrant(config, refresh_token)).rejects.toMatchObject(refused);
  });

  it('gets nothing for a code with another verifier, or without one', async () => {
    const { addPerson, newBrowser, signIn, begin, authorize, config } = await startWithClient();
    const browser = newBrowser();
    await signIn(browser, await addPerson());
    const { url, checks } = await begin();
    const callback = await authorize(browser, url);
    const other = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
    await expect(client.authorizationCodeGrant(config, callback, other)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    const without = await begin();
    without.url.searchParams.delete('code_challenge');
    without.url.searchParams.delete('code_challenge_method');
    expect((await authorize(browser, without.url)).searchParams.get('error')).toBe('invalid_request');
  });

  it('revokes a refresh token', async () => {
    const { addPerson, newBrowser, signIn, tokensFor, config } = await startWithClient();
    const browser = newBrowser();
    await signIn(browser, await addPerson());
    const { refresh_token = '' } = await tokensFor(browser);
    await client.tokenRevocation(config, refresh_token);
    await expect(client.refreshTokenGrant(config, refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('is not redirected to an address that it has not registered', async () => {
    const { newBrowser, begin } = await startWithClient();
    const { url } = await begin({ redirect_uri: 'https://evil.example/callback' });
    const page = await newBrowser().follow(await newBrowser().request(url.href));
    expect([page.status, page.location]).toEqual([400, undefined]);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('gets its response by a form of a page, if it wants that', async () => {
    const { addPerson, newBrowser, signIn, begin } = await startWithClient();
    const browser = newBrowser();
    const { url } = await begin({ response_mode: 'form_post' });
    const page = await signIn(browser, await addPerson(), url.href);
    expect(formsOf(page.text)).toMatchObject({ action: CALLBACK, fields: { code: expect.any(String) } });
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("form-action 'self' https://portal.example;");
    const [, script = ''] = /<script>(.*?)<\/script>/s.exec(page.text) ?? [];
    expect(policy).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  });

  it('needs a new sign-in with prompt=login, and gets login_required with prompt=none', async () => {
    const { addPerson, newBrowser, signIn, begin, authorize, advance } = await startWithClient();
    const ana = await addPerson();
    const silent = await begin({ prompt: 'none' });
    expect((await authorize(newBrowser(), silent.url)).searchParams.get('error')).toBe('login_required');
    const browser = newBrowser();
    await signIn(browser, ana);
    await authorize(browser, (await begin()).url);
    expect((await authorize(browser, (await begin({ prompt: 'none' })).url)).searchParams.get('code')).toBeTruthy();
    const { url } = await begin({ prompt: 'login' });
    const page = await browser.follow(await browser.request(url.href));
    expect(page.text).toContain('<h1>Sign in</h1>');
    // A person needs longer than a second for that.
    advance({ seconds: 1 });
    const last = await signIn(browser, ana, url.href);
    expect(new URL(last.location ?? '').searchParams.get('code')).toBeTruthy();
  });
});

describe('a browser that two people share', () => {
  it('gives an application the person who signed in last, who stays signed in', async () => {
    const { addPerson, newBrowser, signIn, begin, config, tokensFor, sessions } = await startWithClient();
    const [ana, bea] = [await addPerson(), await addPerson('patient', { email: 'bea@example.org' })];
    const browser = newBrowser();
    await signIn(browser, ana);
    const before = await tokensFor(browser);
    await signIn(browser, bea);
    const { url, checks } = await begin();
    // The page ends the session that oidc-provider has of the other person, and submits itself where scripts run.
    const page = await browser.follow(await browser.request(url.href));
    const last = await browser.follow(await browser.submit(page, {}));
    const tokens = await client.authorizationCodeGrant(config, new URL(last.location ?? ''), checks);
    expect(tokens.claims()).toMatchObject({ sub: bea.id });
    expect(await sessions.list(bea.id)).toHaveLength(1);
    const refused = { error: 'invalid_grant' };
    await expect(client.refreshTokenGrant(config, before.refresh_token ?? '')).rejects.toMatchObject(refused);
  });
});

describe('an idle session', () => {
  it('is not renewed by the silent requests and the tokens of applications', async () => {
    const { addPerson, newBrowser, signIn, begin, authorize, tokensFor, config, advance } = await startWithClient();
    const browser = newBrowser();
    await signIn(browser, await addPerson('doctor'));
    let { refresh_token = '' } = await tokensFor(browser);
    const silently = async () => (await authorize(browser, (await begin({ prompt: 'none' })).url)).searchParams;
    advance({ minutes: 10 });
    expect((await silently()).get('code')).toBeTruthy();
    refresh_token = (await client.refreshTokenGrant(config, refresh_token)).refresh_token ?? '';
    advance({ minutes: 5 });
    expect((await silently()).get('error')).toBe('login_required');
    await expect(client.refreshTokenGrant(config, refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

describe('the end of a session', () => {
  it.each<[string, (started: Awaited<ReturnType<typeof startWithClient>>, id: string) => Promise<void>]>([
    ['by its person elsewhere', async ({ sessions }, id) => sessions.endOthers(id, 'ff'.repeat(32))],
    ['by an administrator who disables the account', async ({ accounts }, id) => accounts.setStatus(id, 'disabled')],
  ])('%s ends the refresh tokens, the user info and the silent sign-in of applications', async (_what, end) => {
    const started = await startWithClient();
    const { addPerson, newBrowser, signIn, tokensFor, begin, authorize, config } = started;
    const ana = await addPerson();
    const browser = newBrowser();
    await signIn(browser, ana);
    const { access_token, refresh_token = '' } = await tokensFor(browser);
    await end(started, ana.id);
    await expect(client.refreshTokenGrant(config, refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(client.fetchUserInfo(config, access_token, ana.id)).rejects.toThrow();
    const { url } = await begin({ prompt: 'none' });
    expect((await authorize(browser, url)).searchParams.get('error')).toBe('login_required');
  });

  it('by an application signs the person out here, and leads back', async () => {
    const { addPerson, newBrowser, signIn, tokensFor, config, sessions } = await startWithClient();
    const ana = await addPerson();
    const browser = newBrowser();
    await signIn(browser, ana);
    const tokens = await tokensFor(browser);
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT,
      state: 'bye',
    });
    const page = await browser.request(url.href);
    expect(page.text).toContain('Sign out of Daybook?');
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' https://portal.example;");
    expect(await sessions.list(ana.id)).toHaveLength(1);
    const { action, fields } = formsOf(page.text);
    const done = await browser.request(action, { form: { ...fields, logout: 'yes' } });
    expect(done.location).toBe(`${SIGNED_OUT}?state=bye`);
    expect(await sessions.list(ana.id)).toEqual([]);
    expect(browser.cookies.has('__Host-daybook')).toBe(false);
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('by an application leads back also when the person is not signed in', async () => {
    const { newBrowser, config } = await startWithClient();
    const browser = newBrowser();
    const parameters = { client_id: 'portal', post_logout_redirect_uri: SIGNED_OUT };
    const page = await browser.request(client.buildEndSessionUrl(config, parameters).href);
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' https://portal.example");
    expect((await browser.submit(page, {})).location).toBe(SIGNED_OUT);
  });

  it('by an application leads to no address that it has not registered', async () => {
    const { newBrowser, config } = await startWithClient();
    const parameters = { client_id: 'portal', post_logout_redirect_uri: 'https://evil.example/' };
    const page = await newBrowser().request(client.buildEndSessionUrl(config, parameters).href);
    expect(page.status).toBe(400);
  });

  it('is not made by another site, which lacks the token of the form', async () => {
    const { addPerson, newBrowser, signIn, tokensFor, sessions } = await startWithClient();
    const ana = await addPerson();
    const browser = newBrowser();
    await signIn(browser, ana);
    await tokensFor(browser);
    const refused = await browser.request('/identity/session/end/confirm', {
      form: { xsrf: 'guessed', logout: 'yes' },
    });
    expect(refused.status).toBe(400);
    expect(await sessions.list(ana.id)).toHaveLength(1);
  });
});

describe('an application on a device', () => {
  const onDevice: ConfiguredClient = {
    kind: 'application',
    id: 'phone-app',
    name: 'Phone app',
    redirectUris: ['org.example.app:/callback'],
    onDevice: true,
  };

  it('gets an account only after the person has confirmed it', async () => {
    const { addPerson, newBrowser, signIn, begin, config } = await startWithClient(onDevice);
    const ana = await addPerson();
    const browser = newBrowser();
    const { url, checks } = await begin();
    const page = await signIn(browser, ana, url.href);
    expect(page.text).toContain('Continue to Phone app?');
    const last = await browser.follow(await browser.submit(page, { decision: 'continue' }));
    const tokens = await client.authorizationCodeGrant(config, new URL(last.location ?? ''), checks);
    expect(tokens.claims()).toMatchObject({ sub: ana.id });
  });

  it('gets none when the person cancels, or another site confirms', async () => {
    const { addPerson, newBrowser, signIn, begin } = await startWithClient(onDevice);
    const browser = newBrowser();
    const page = await signIn(browser, await addPerson(), (await begin()).url.href);
    const { action } = formsOf(page.text);
    const forged = await browser.request(action, { form: { decision: 'continue', form_token: 'guessed' } });
    expect(forged.status).toBe(403);
    const last = await browser.follow(await browser.submit(page, { decision: 'cancel' }));
    expect(new URL(last.location ?? '').searchParams.get('error')).toBe('access_denied');
  });
});

describe('key rotation', () => {
  it('changes the key that signs, and tokens of before stay valid for their time', async () => {
    const { addPerson, newBrowser, signIn, tokensFor, verify, signingKeys, config, advance } = await startWithClient();
    const browser = newBrowser();
    await signIn(browser, await addPerson());
    const kidOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
    const before = await tokensFor(browser, { resource: API });
    const [next, current] = await signingKeys.load();
    expect([kidOf(before.access_token), kidOf(before.id_token)]).toEqual(Array(2).fill(current?.keyId));
    await signingKeys.rotate({ isCompromised: false });
    advance({ minutes: 1 });
    const after = await client.refreshTokenGrant(config, before.refresh_token ?? '');
    expect([kidOf(after.access_token), kidOf(after.id_token)]).toEqual(Array(2).fill(next?.keyId));
    expect(await verify(before.access_token, 'daybook')).toMatchObject({ role: 'patient' });
    expect(await verify(after.access_token, 'daybook')).toMatchObject({ role: 'patient' });
  });
});
