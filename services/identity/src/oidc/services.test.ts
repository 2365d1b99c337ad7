/** Our own services get tokens for each other, by a signed assertion. */
import { createTokenVerifier, generatePrivateJwk, type PrivateJwk, publicJwkOf, verifyKeySet } from '@daybook/access';
import { createFixedKeySource } from '@daybook/access/testing';
import { importJWK } from 'jose';
import * as client from 'openid-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_URL, startIdentity } from '../testing.ts';
import { loadLibrary } from './library.ts';

const ISSUER = `${PUBLIC_URL}/identity`;
const TARGET = 'urn:daybook:service:patient-service';

/** Starts identity with a service. Without `kid`, its key is configured without an id. */
async function startWithService({
  id = 'appointment-service',
  kid = 'own',
}: {
  id?: string;
  kid?: string | null;
} = {}) {
  const jwk = await generatePrivateJwk();
  const { kty, crv, x, y, kid: thumbprint } = await publicJwkOf(jwk);
  const key = { kty, crv, x, y, ...(kid !== null && { kid }) };
  const started = await startIdentity({ clients: [{ kind: 'service', id, keys: [key] }] });
  const { baseUrl, clock, rootKey } = started;
  const tokenUrl = new URL('/identity/token', baseUrl);
  let held: URLSearchParams | undefined;
  let isHolding = false;

  /** Requests a token, as openid-client does it. */
  async function configure(key: PrivateJwk) {
    const customFetch: client.CustomFetch = (url, options) => {
      if (isHolding && options.body instanceof URLSearchParams) {
        held = options.body;
        throw new Error('the request is held');
      }
      return fetch(new URL(new URL(url).pathname, baseUrl), options as RequestInit);
    };
    const imported = await importJWK({ ...key }, 'ES256');
    if (imported instanceof Uint8Array) throw new Error('the key is not asymmetric');
    const authentication = client.PrivateKeyJwt({ key: imported, kid: kid ?? thumbprint });
    const config = await client.discovery(new URL(ISSUER), id, {}, authentication, {
      [client.customFetch]: customFetch,
    });
    config[client.customFetch] = customFetch;
    return config;
  }

  const config = await configure(jwk);
  const grant = (parameters: Record<string, string>, by = config) => client.clientCredentialsGrant(by, parameters);

  /** Returns the request that is about to be sent, without sending it. */
  async function hold(request: () => Promise<unknown>): Promise<URLSearchParams> {
    isHolding = true;
    await expect(request()).rejects.toThrow();
    isHolding = false;
    return held ?? expect.fail('nothing was about to be sent');
  }

  async function verify(token: string, audience: string) {
    const text = await (await fetch(new URL('/identity/keys', baseUrl))).text();
    const set = await verifyKeySet(text, rootKey.verification, clock().epochMilliseconds);
    const keys = [...set.keys].map(([keyId, publicKey]) => ({ keyId, publicKey }));
    return createTokenVerifier({
      issuer: ISSUER,
      audiences: [audience],
      keys: createFixedKeySource(keys),
      clock,
    }).verify(token);
  }

  return { ...started, id, configure, grant, verify, hold, tokenUrl };
}

// Loading it takes longer than a request may, on a machine that is busy with other tests.
beforeAll(loadLibrary, 120_000);

describe('a service', () => {
  it('gets a token of 65 minutes for one service and the operations that it names', async () => {
    const { grant, verify, id } = await startWithService();
    const { access_token, expires_in } = await grant({ resource: TARGET, scope: 'getPatientEligibility' });
    expect(expires_in).toBe(65 * 60);
    expect(await verify(access_token, 'patient-service')).toEqual({
      id,
      role: 'service',
      patientIds: [],
      scope: ['getPatientEligibility'],
    });
    for (const audience of ['doctor-service', 'daybook']) {
      await expect(verify(access_token, audience)).rejects.toMatchObject({ fault: 'audience' });
    }
  });

  it('whose key has no configured id names it by its thumbprint', async () => {
    const { grant } = await startWithService({ kid: null });
    const { access_token } = await grant({ resource: TARGET, scope: 'getPatientEligibility' });
    expect(access_token).toMatch(/^ey/);
  });

  it('gets no operation that the access table does not give it', async () => {
    const { grant, verify } = await startWithService();
    const { access_token } = await grant({ resource: TARGET, scope: 'getPatientEligibility mergePatients getPatient' });
    expect(await verify(access_token, 'patient-service')).toMatchObject({ scope: ['getPatientEligibility'] });
    await expect(grant({ resource: TARGET, scope: 'mergePatients' })).rejects.toMatchObject({ error: 'invalid_scope' });
  });

  it.each([
    ['no service', { scope: 'getPatientEligibility' }, 'invalid_target'],
    ['the API of people', { resource: 'urn:daybook:api', scope: 'getPatientEligibility' }, 'invalid_target'],
    ['something else', { resource: 'https://example.org', scope: 'getPatientEligibility' }, 'invalid_target'],
    ['no operation', { resource: TARGET }, 'invalid_scope'],
  ])('gets no token for %s', async (_what, parameters, error) => {
    const { grant } = await startWithService();
    await expect(grant(parameters)).rejects.toMatchObject({ error });
  });

  it('gets no token with the key of another', async () => {
    const { grant, configure } = await startWithService();
    const other = await configure(await generatePrivateJwk());
    const parameters = { resource: TARGET, scope: 'getPatientEligibility' };
    await expect(grant(parameters, other)).rejects.toMatchObject({ error: 'invalid_client', status: 401 });
  });

  it('gets one token for an assertion, also when the assertion is sent simultaneously', async () => {
    const { grant, hold, tokenUrl } = await startWithService();
    const body = await hold(() => grant({ resource: TARGET, scope: 'getPatientEligibility' }));
    const send = () => fetch(tokenUrl, { method: 'POST', body: new URLSearchParams(body) });
    const responses = await Promise.all(Array.from({ length: 4 }, send));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
    const late = await send();
    expect([late.status, await late.json()]).toMatchObject([401, { error: 'invalid_client' }]);
  });
});
