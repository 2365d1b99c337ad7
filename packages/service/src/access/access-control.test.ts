import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import {
  type AccessTokenClaims,
  createTokenVerifier,
  KeySetUnavailable,
  PERSON_AUDIENCE,
  signAccessToken,
} from '@daybook/access';
import { createTestKey } from '@daybook/access/testing';
import { ROLES } from '@daybook/contracts';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../lifecycle/clock.ts';
import { authorizationOf, testAuthenticator } from '../testing/test-identity.ts';
import { bareApp } from '../testing.ts';
import type { Authenticator } from './authenticator.ts';

const ISSUER = 'http://127.0.0.1:8080/identity';
const PATIENT = '019c2f5e-0000-7000-8000-000000000001';
const [key, otherKey] = [await createTestKey(), await createTestKey()];
const nowSeconds = () => Math.floor(systemClock().epochMilliseconds / 1_000);

const claims = (changes: Partial<AccessTokenClaims> = {}): AccessTokenClaims => ({
  iss: ISSUER,
  aud: PERSON_AUDIENCE,
  sub: 'ana',
  client_id: 'web',
  iat: nowSeconds(),
  exp: nowSeconds() + 300,
  jti: randomUUID(),
  role: 'front-desk',
  ...changes,
});

const sign = (changes?: Partial<AccessTokenClaims>) => signAccessToken(claims(changes), key.signing);

function authenticatorOf(options: Partial<Authenticator> = {}): Authenticator {
  const known = new Map([[key.verification.keyId, key.verification.publicKey]]);
  const { verify } = createTokenVerifier({
    issuer: ISSUER,
    audiences: [PERSON_AUDIENCE, 'patient-service'],
    keys: { peek: (id) => known.get(id), find: async (id) => known.get(id) },
    clock: systemClock,
  });
  return { issuer: ISSUER, hasPublicPage: false, verify, ...options };
}

/** Starts a service with four operations of the access table. */
async function start(authenticator = authenticatorOf()) {
  const { app, lines } = await bareApp({ authenticator });
  const handled: string[] = [];
  const body = Type.Object({ name: Type.String() });
  const add = (method: 'GET' | 'POST', url: string, operationId: string) =>
    app.route({
      method,
      url,
      schema: { operationId, ...(method === 'POST' && { body }) },
      handler: async (request) => {
        handled.push(operationId);
        return { caller: request.caller, access: request.access };
      },
    });
  add('GET', '/api/v1/patients/:id', 'getPatient');
  add('POST', '/api/v1/patients', 'registerPatient');
  add('GET', '/api/v1/doctors', 'findDoctors');
  add('GET', '/api/v1/patients/:id/eligibility', 'getPatientEligibility');
  const get = (url: string, authorization?: string) =>
    app.inject({ url, headers: { ...(authorization !== undefined && { authorization }) } });
  return { app, lines, handled, get };
}

describe('a service', () => {
  it('has a row of the access table for each operation, or does not start', async () => {
    const { app } = await bareApp({ authenticator: authenticatorOf() });
    expect(() => app.get('/api/v1/things', async () => ({}))).toThrow('GET /api/v1/things has no row');
    const schema = { operationId: 'findThings' };
    expect(() => app.get('/api/v1/things', { schema }, async () => ({}))).toThrow('GET /api/v1/things has no row');
  });

  it('verifies callers, or has no operation', async () => {
    const { app } = await bareApp();
    const schema = { operationId: 'findDoctors' };
    expect(() => app.get('/api/v1/doctors', { schema }, async () => ({}))).toThrow('needs an authenticator');
  });
});

describe('a request', () => {
  it('without a token gets 401, which names the issuer', async () => {
    const { get, handled } = await start();
    const response = await get(`/api/v1/patients/${PATIENT}`);
    expect([response.statusCode, response.json().code]).toEqual([401, 'unauthenticated']);
    expect(response.headers['www-authenticate']).toBe(`Bearer realm="daybook", issuer="${ISSUER}"`);
    expect(handled).toEqual([]);
  });

  it('with a token has the caller that it names, and what the caller may do', async () => {
    const { get } = await start();
    const token = await sign({ role: 'patient', patient_ids: [PATIENT], sid: 'session' });
    expect((await get(`/api/v1/patients/${PATIENT}`, `Bearer ${token}`)).json()).toEqual({
      caller: { id: 'ana', role: 'patient', patientIds: [PATIENT], sessionId: 'session' },
      access: { reach: 'own', conditions: [] },
    });
  });

  it('of a role that the operation is not for gets 403, before its body is read', async () => {
    const { app, handled } = await start();
    const response = await app.inject({
      method: 'POST',
      url: '/api/v1/patients',
      headers: { authorization: `Bearer ${await sign({ role: 'patient' })}`, 'content-type': 'application/json' },
      payload: '{ no JSON',
    });
    expect([response.statusCode, response.json().code]).toEqual([403, 'forbidden']);
    expect(handled).toEqual([]);
  });

  it('is believed by its token only, and by no other header', async () => {
    const { app } = await start();
    const headers = { 'x-user': 'admin', 'x-role': 'administrator', 'x-forwarded-user': 'admin', cookie: 'daybook=x' };
    expect((await app.inject({ url: `/api/v1/patients/${PATIENT}`, headers })).statusCode).toBe(401);
  });

  it('with two tokens gets 401, because readers differ on which one counts', async () => {
    const { app, handled } = await start();
    const [token, other] = [`Bearer ${await sign()}`, `Bearer ${await sign()}`];
    const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const sent = request(new URL('/api/v1/doctors', url), {
      headers: ['Host', url.host, 'Authorization', token, 'Authorization', other],
    }).end();
    const [response]: IncomingMessage[] = await once(sent, 'response');
    response?.resume();
    await app.close();
    expect([response?.statusCode, handled]).toEqual([401, []]);
  });

  it('gets 503 while it cannot be verified', async () => {
    const verify = () => Promise.reject(new KeySetUnavailable(7));
    const { get } = await start(authenticatorOf({ verify }));
    const response = await get('/api/v1/doctors', `Bearer ${await sign()}`);
    expect([response.statusCode, response.json().code]).toEqual([503, 'service-unavailable']);
    expect(response.headers['retry-after']).toBe('7');
  });
});

describe('a token is rejected', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  /** Returns a token with another header, signed as that header says. */
  function forge(header: object, signatureOf: (signed: string) => string): string {
    const signed = `${part(header)}.${part(claims())}`;
    return `${signed}.${signatureOf(signed)}`;
  }
  const kid = key.verification.keyId;
  const secret = JSON.stringify(key.publicJwk);
  const hmac = (signed: string) => createHmac('sha256', secret).update(signed).digest('base64url');

  it.each<[string, () => string | Promise<string>]>([
    ['of another issuer', () => sign({ iss: 'http://127.0.0.1:9090/identity' })],
    ['for another service', () => sign({ aud: 'doctor-service', role: 'service' })],
    ['signed with another key', () => signAccessToken(claims(), otherKey.signing)],
    ['that has expired', () => sign({ iat: nowSeconds() - 600, exp: nowSeconds() - 1 })],
    ['that is not valid yet', () => sign({ iat: nowSeconds() + 200, exp: nowSeconds() + 300 })],
    ['without a signature', () => forge({ alg: 'none', typ: 'at+jwt', kid }, () => '')],
    ['signed by HS256 with the public key', () => forge({ alg: 'HS256', typ: 'at+jwt', kid }, hmac)],
    ['that is no JWT', () => 'secret'],
    [
      'with a changed role',
      async () => {
        const [header, , signature] = (await sign({ role: 'patient' })).split('.');
        return `${header}.${part(claims({ role: 'administrator' }))}.${signature}`;
      },
    ],
  ])('%s', async (_what, tokenOf) => {
    const { get, handled, lines } = await start();
    const token = await tokenOf();
    const response = await get('/api/v1/doctors', `Bearer ${token}`);
    expect([response.statusCode, response.json().code]).toEqual([401, 'unauthenticated']);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(handled).toEqual([]);
    expect(lines.join('')).not.toContain(token);
  });

  it.each(['Bearer', 'Bearer a b', 'Bearer a, Bearer b'])('in a header that is not one token: %s', async (header) => {
    const { get } = await start();
    const response = await get('/api/v1/doctors', header);
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_request"');
  });
});

describe('the token of a service', () => {
  const service = { id: 'appointment-service', role: 'service', scope: ['getPatientEligibility'] } as const;
  const path = `/api/v1/patients/${PATIENT}/eligibility`;
  const statusFor = async (caller: Parameters<typeof authorizationOf>[0], audience = 'patient-service') => {
    const { get } = await start(testAuthenticator('patient-service'));
    return (await get(path, (await authorizationOf(caller, audience)).authorization)).statusCode;
  };

  it('is good for the service and the operations that it names', async () => {
    expect(await statusFor(service)).toBe(200);
    expect(await statusFor(service, 'doctor-service')).toBe(401);
    expect(await statusFor({ ...service, scope: ['getAvailability'] })).toBe(403);
  });

  it('is good for no operation that another service has', async () => {
    expect(await statusFor({ ...service, id: 'notification-service' })).toBe(403);
  });

  it('has what no person has', async () => {
    const people = ROLES.filter((role) => role !== 'service');
    for (const role of people) expect(await statusFor({ role, patientIds: [PATIENT] }), role).toBe(403);
  });
});

describe('the public page', () => {
  it('is closed unless it is opened', async () => {
    const { get } = await start();
    expect((await get('/api/v1/doctors')).statusCode).toBe(401);
  });

  it('is open to requests without a token, and no other operation is', async () => {
    const { get } = await start(authenticatorOf({ hasPublicPage: true }));
    const response = await get('/api/v1/doctors');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ caller: { id: 'anonymous', patientIds: [] }, access: { reach: 'public' } });
    expect((await get(`/api/v1/patients/${PATIENT}`)).statusCode).toBe(401);
    expect((await get('/api/v1/doctors', 'Bearer nonsense')).statusCode).toBe(401);
  });
});
