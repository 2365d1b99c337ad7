import { createHmac } from 'node:crypto';
import { ACCESS_TOKEN_TYPE } from '@daybook/access';
import { createTestIssuer, createTestKey } from '@daybook/access/testing';
import { describe, expect, test } from 'vitest';
import { sendRaw } from '../testing.ts';
import { cookieOf, startWithIssuer } from './testing.ts';

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a bearer token', () => {
  test('is forwarded unchanged, on the fast path and on the ordinary one', async () => {
    const { issuer, seen, send, port, exchanges } = await startWithIssuer();
    const authorization = `Bearer ${await issuer.sign({ role: 'administrator' })}`;
    expect((await seen({ authorization })).authorization).toBe(authorization);
    const posted = await send({ authorization }, { method: 'POST', body: '{}' });
    expect(await posted.json()).toMatchObject({ authorization });
    const plain = `GET /api/v1/patients HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`;
    expect(await sendRaw(port, plain.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).toContain(authorization);
    expect(exchanges).toEqual([]);
  });

  test('is verified at most once, however often it is sent', async () => {
    const { issuer, send, keyFetches } = await startWithIssuer();
    const authorization = `Bearer ${await issuer.sign()}`;
    const responses = await Promise.all(Array.from({ length: 20 }, () => send({ authorization })));
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(keyFetches()).toBe(1);
  });

  test('that is repeated with another one is 400, because programs choose differently between the two', async () => {
    const { issuer, port } = await startWithIssuer();
    const token = await issuer.sign();
    const lines = ['Host: x', `Authorization: Bearer ${token}`, 'Authorization: Bearer other', 'Connection: close'];
    const response = await sendRaw(port, `${['GET /api/v1/patients HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`);
    expect(response).toMatch(/^HTTP\/1\.1 400 /);
    expect(response).not.toContain(token);
  });

  test('comes before a cookie, which the service does not get', async () => {
    const { issuer, seen, exchanges, start } = await startWithIssuer();
    start('ana');
    const authorization = `Bearer ${await issuer.sign()}`;
    const headers = await seen({ authorization, ...cookieOf('ana') });
    expect(headers).toMatchObject({ authorization });
    expect(headers).not.toHaveProperty('cookie');
    expect(exchanges).toEqual([]);
  });

  test('needs no proof of its origin', async () => {
    const { issuer, send } = await startWithIssuer();
    const headers = { authorization: `Bearer ${await issuer.sign()}` };
    expect((await send(headers, { method: 'POST', body: '{}' })).status).toBe(200);
  });
});

describe('a request is 401 and names the issuer when its token', () => {
  test.each([
    ['is for one service', { aud: 'patient-service' }],
    ['is of another issuer', { iss: 'https://other.example/identity' }],
    ['has expired', { iat: 1, exp: 300 }],
    ['is not valid yet', { nbf: 4_000_000_000 }],
  ])('%s', async (_what, changes) => {
    const { issuer, send, service } = await startWithIssuer();
    const response = await send({ authorization: `Bearer ${await issuer.sign(changes)}` });
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    const challenge = response.headers.get('www-authenticate');
    expect(challenge).toMatch(
      /^Bearer realm="daybook", issuer="https:\/\/daybook\.example\/identity", error="invalid_token"/,
    );
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' });
    expect(service.requests).toEqual([]);
  });

  test('is signed with no algorithm, or with the public key as a secret', async () => {
    const { issuer, send, service } = await startWithIssuer();
    const claims = base64url(issuer.claims());
    const { kid } = issuer.key.publicJwk;
    const none = `${base64url({ alg: 'none', typ: ACCESS_TOKEN_TYPE, kid })}.${claims}.`;
    const signed = `${base64url({ alg: 'HS256', typ: ACCESS_TOKEN_TYPE, kid })}.${claims}`;
    const hmac = createHmac('sha256', JSON.stringify(issuer.key.publicJwk)).update(signed).digest('base64url');
    for (const token of [none, `${signed}.${hmac}`, 'nonsense']) {
      expect((await send({ authorization: `Bearer ${token}` })).status).toBe(401);
    }
    expect(service.requests).toEqual([]);
  });

  test('is not alone', async () => {
    const { send } = await startWithIssuer();
    const response = await send({ authorization: 'Bearer a b' });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="invalid_request"'),
    ]);
  });
});

describe('the key set', () => {
  test('is not believed when another root key signed it', async () => {
    const { issuer, send, state, time, service } = await startWithIssuer();
    const hostile = await createTestIssuer(time);
    state.keySet = () => hostile.signKeySet();
    const forged = await send({ authorization: `Bearer ${await hostile.sign({ role: 'administrator' })}` });
    expect(forged.status).toBe(503);
    expect(Number(forged.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await send({ authorization: `Bearer ${await issuer.sign()}` })).status).toBe(503);
    expect(service.requests).toEqual([]);
  });

  test('is fetched at most once in ten seconds, whatever key ids strangers invent', async () => {
    const { issuer, send, time, keyFetches } = await startWithIssuer();
    expect((await send({ authorization: `Bearer ${await issuer.sign()}` })).status).toBe(200);
    const before = keyFetches();
    time.advance(10_000);
    const strange = await Promise.all(
      Array.from({ length: 5 }, async () => ({ ...(await createTestIssuer(time)), key: await createTestKey() })),
    );
    for (const other of strange) {
      const responses = await Promise.all(
        Array.from({ length: 20 }, async () => send({ authorization: `Bearer ${await other.sign()}` })),
      );
      expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([401]));
    }
    expect(keyFetches()).toBe(before + 1);
  });
});

test('a request without credentials is forwarded, and the service decides', async () => {
  const { seen } = await startWithIssuer();
  expect(await seen()).not.toHaveProperty('authorization');
});

test('a header about one connection cannot remove the Authorization', async () => {
  const { issuer, port } = await startWithIssuer();
  const lines = ['Host: x', `Authorization: Bearer ${await issuer.sign()}`, 'Connection: close, authorization'];
  const response = await sendRaw(port, `${['GET /api/v1/patients HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`);
  expect(response).toMatch(/^HTTP\/1\.1 400 /);
});
