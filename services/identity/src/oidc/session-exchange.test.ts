/** The gateway exchanges the session of a browser for a token that stays inside. */
import { createTokenVerifier, generatePrivateJwk, type PrivateJwk, publicJwkOf, verifyKeySet } from '@daybook/access';
import { createFixedKeySource } from '@daybook/access/testing';
import { newId } from '@daybook/database';
import { importJWK } from 'jose';
import * as client from 'openid-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_URL, startIdentity } from '../testing.ts';
import { loadLibrary } from './library.ts';
import { SESSION_TOKEN, TOKEN_EXCHANGE } from './session-exchange.ts';

// Loading it takes longer than a request may, on a machine that is busy with other tests.
beforeAll(loadLibrary, 120_000);

const ISSUER = `${PUBLIC_URL}/identity`;

async function startWithGateway(id = 'gateway-service') {
  const jwk: PrivateJwk = await generatePrivateJwk();
  const { kty, crv, x, y } = await publicJwkOf(jwk);
  const started = await startIdentity({ clients: [{ kind: 'service', id, keys: [{ kty, crv, x, y }] }] });
  const { baseUrl, clock, rootKey, addPerson, newBrowser, signIn } = started;
  const customFetch: client.CustomFetch = (url, options) =>
    fetch(new URL(new URL(url).pathname, baseUrl), options as RequestInit);
  const key = await importJWK({ ...jwk }, 'ES256');
  if (key instanceof Uint8Array) throw new Error('the key is not asymmetric');
  const options = { [client.customFetch]: customFetch };
  const config = await client.discovery(new URL(ISSUER), id, {}, client.PrivateKeyJwt(key), options);
  config[client.customFetch] = customFetch;

  const exchange = (session: string, parameters: Record<string, string> = {}) =>
    client.genericGrantRequest(config, TOKEN_EXCHANGE, {
      subject_token: session,
      subject_token_type: SESSION_TOKEN,
      ...parameters,
    });

  async function verify(token: string) {
    const text = await (await fetch(new URL('/identity/keys', baseUrl))).text();
    const set = await verifyKeySet(text, rootKey.verification, clock().epochMilliseconds);
    const keys = createFixedKeySource([...set.keys].map(([keyId, publicKey]) => ({ keyId, publicKey })));
    return createTokenVerifier({ issuer: ISSUER, audiences: ['daybook'], keys, clock }).verify(token);
  }

  /** Signs a person in, and returns the value of the session cookie. */
  async function sessionOf(person: Awaited<ReturnType<typeof addPerson>>): Promise<string> {
    const browser = newBrowser();
    await signIn(browser, person);
    return browser.cookies.get('__Host-daybook')?.value ?? expect.fail('the browser has no session');
  }

  return { ...started, exchange, verify, sessionOf };
}

describe('the session of a browser', () => {
  it('is exchanged for a token of the person, that services accept for 65 minutes', async () => {
    const { exchange, verify, sessionOf, addPerson, accounts, sessions } = await startWithGateway();
    const ana = await addPerson();
    const patientId = newId();
    await accounts.linkPatient(ana.id, { patientId, relation: 'self' });
    const { access_token, expires_in } = await exchange(await sessionOf(ana));
    expect(expires_in).toBe(65 * 60);
    const [session] = await sessions.list(ana.id);
    expect(await verify(access_token)).toEqual({
      id: ana.id,
      role: 'patient',
      patientIds: [patientId],
      authenticatedAt: Math.floor((session?.authenticatedAt.epochMilliseconds ?? 0) / 1_000),
      sessionId: session?.handle,
    });
  });

  it('is not exchanged after it has ended, or its account was disabled', async () => {
    const { exchange, sessionOf, addPerson, sessions, accounts } = await startWithGateway();
    const ana = await addPerson();
    const refused = { error: 'invalid_grant', status: 400 };
    const ended = await sessionOf(ana);
    await sessions.end(ended);
    await expect(exchange(ended)).rejects.toMatchObject(refused);
    const disabled = await sessionOf(ana);
    await accounts.setStatus(ana.id, 'disabled');
    await expect(exchange(disabled)).rejects.toMatchObject(refused);
    await expect(exchange('guessed')).rejects.toMatchObject(refused);
  });

  it('is renewed by what a person does, and not by streams and polls', async () => {
    const { exchange, sessionOf, addPerson, advance } = await startWithGateway();
    const session = await sessionOf(await addPerson('doctor'));
    for (let count = 0; count < 3; count += 1) {
      advance({ minutes: 10 });
      await exchange(session, { activity: 'true' });
    }
    advance({ minutes: 10 });
    await exchange(session);
    advance({ minutes: 5 });
    await expect(exchange(session)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('has no token that outlives it', async () => {
    const { exchange, sessionOf, addPerson, advance } = await startWithGateway();
    const session = await sessionOf(await addPerson('doctor'));
    for (let minutes = 0; minutes < 12 * 60 - 10; minutes += 10) {
      advance({ minutes: 10 });
      await exchange(session, { activity: 'true' });
    }
    expect((await exchange(session)).expires_in).toBeLessThanOrEqual(10 * 60);
  });

  it('is not exchanged by another service, whatever its key', async () => {
    const { exchange, sessionOf, addPerson } = await startWithGateway('appointment-service');
    const session = await sessionOf(await addPerson());
    await expect(exchange(session)).rejects.toMatchObject({ error: 'invalid_request', status: 400 });
  });
});
