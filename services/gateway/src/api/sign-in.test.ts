import { describe, expect, test } from 'vitest';
import { COOKIE, cookieOf, sessionNamed, startWithIssuer } from '../authentication/testing.ts';

const REMOVAL = expect.stringMatching(/^__Host-daybook=;.*Max-Age=0$/);

describe('/login', () => {
  test.each([
    ['', '/identity/sign-in'],
    ['?return_to=%2Fdocs%3Fa%3Db', '/identity/sign-in?return_to=%2Fdocs%3Fa%3Db'],
    ['?return_to=https%3A%2F%2Fevil.example', '/identity/sign-in'],
    ['?return_to=%2F%2Fevil.example', '/identity/sign-in'],
    ['?return_to=%2F%5Cevil.example', '/identity/sign-in'],
    ['?return_to=%2F.%2F%2Fevil.example', '/identity/sign-in'],
  ])('with %s leads to %s', async (query, location) => {
    const { url } = await startWithIssuer();
    const response = await fetch(`${url}/login${query}`, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([303, location]);
  });
});

describe('/logout', () => {
  const logout = (url: string, headers: Record<string, string>, body?: URLSearchParams) =>
    fetch(`${url}/logout`, { method: 'POST', redirect: 'manual', headers, ...(body && { body }) });

  test('ends the session at identity and here, and removes the cookie', async () => {
    const { url, start, send, revoked, exchanges } = await startWithIssuer();
    start('ana');
    expect((await send(cookieOf('ana'))).status).toBe(200);
    const headers = { ...cookieOf('ana'), origin: 'https://daybook.example', 'x-requested-with': 'x' };
    const response = await logout(url, headers);
    expect([response.status, response.headers.get('set-cookie')]).toEqual([204, REMOVAL]);
    expect(revoked).toEqual([sessionNamed('ana')]);
    expect((await send(cookieOf('ana'))).status).toBe(401);
    expect(exchanges).toHaveLength(1);
  });

  test('leads the form of a page to the start', async () => {
    const { url, revoked } = await startWithIssuer();
    const headers = { ...cookieOf('ana'), 'sec-fetch-site': 'same-origin' };
    const response = await logout(url, headers, new URLSearchParams({ any: 'field' }));
    expect([response.status, response.headers.get('location')]).toEqual([303, '/']);
    expect(revoked).toHaveLength(1);
  });

  test.each([{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, { 'x-requested-with': 'x' }])(
    'does nothing for %o',
    async (headers) => {
      const { url, revoked } = await startWithIssuer();
      const response = await logout(url, { ...cookieOf('ana'), ...headers });
      expect([response.status, response.headers.get('set-cookie')]).toEqual([403, null]);
      expect(revoked).toEqual([]);
    },
  );

  test('without a session only removes the cookie', async () => {
    const { url, revoked } = await startWithIssuer();
    const response = await logout(url, { cookie: `${COOKIE}=x`, 'sec-fetch-site': 'same-origin' });
    expect([response.status, response.headers.get('set-cookie')]).toEqual([303, REMOVAL]);
    expect(revoked).toEqual([]);
  });

  test('while identity is away signs the browser out, and reports that the session goes on', async () => {
    const { url, start, send, leave } = await startWithIssuer();
    start('ana');
    expect((await send(cookieOf('ana'))).status).toBe(200);
    leave();
    const response = await logout(url, { ...cookieOf('ana'), 'sec-fetch-site': 'same-origin' });
    expect([response.status, response.headers.get('set-cookie'), response.headers.get('retry-after')]).toEqual([
      503,
      REMOVAL,
      '5',
    ]);
    expect((await send(cookieOf('ana'))).status).toBe(401);
  });
});
