import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { createTestIssuer } from '@daybook/access/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COOKIE, cookieOf, sessionNamed, startWithIssuer } from './testing.ts';

const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin', 'x-requested-with': 'test' };

describe('the session of a browser', () => {
  test('reaches the service as a token, and its cookie does not, on both paths', async () => {
    const { app, start, seen, send } = await startWithIssuer();
    let readByNode = 0;
    app.server.on('request', () => {
      readByNode += 1;
    });
    start('ana', { sub: 'ana' });
    const cookie = `theme=dark; ${COOKIE}=${sessionNamed('ana')}; ${COOKIE}-form=secret`;
    const headers = await seen({ cookie, authorization: 'Basic eDp5' });
    expect(headers).toMatchObject({ cookie: 'theme=dark', authorization: expect.stringMatching(/^Bearer ey/) });
    expect(JSON.stringify(headers)).not.toMatch(/secret|daybook=|Basic/);
    expect(await seen({ cookie, authorization: 'Basic eDp5' })).toMatchObject({ authorization: headers.authorization });
    expect(readByNode).toBe(0);
    const posted = await send({ cookie, ...SAME_ORIGIN }, { method: 'POST', body: '{}' });
    expect(await posted.json()).toMatchObject({ cookie: 'theme=dark', authorization: headers.authorization });
    expect(readByNode).toBe(1);
  });

  test('is exchanged once by simultaneous requests', async () => {
    const { start, send, exchanges } = await startWithIssuer();
    start('ana');
    const responses = await Promise.all(Array.from({ length: 30 }, () => send(cookieOf('ana'))));
    expect(responses.map(({ status }) => status)).toEqual(Array(30).fill(200));
    expect(exchanges).toHaveLength(1);
  });

  test('that has ended is 401, and its cookie is removed', async () => {
    const { send, service, exchanges } = await startWithIssuer();
    for (const cookie of [cookieOf('ghost'), cookieOf('ghost'), { cookie: `${COOKIE}=short` }]) {
      const response = await send(cookie);
      expect(response.status).toBe(401);
      expect(response.headers.get('set-cookie')).toBe(`${COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0`);
      expect(response.headers.get('www-authenticate')).toContain('issuer="https://daybook.example/identity"');
    }
    expect(exchanges).toHaveLength(1);
    expect(service.requests).toEqual([]);
  });

  test('is noticed to have ended within a minute, also when it was not used meanwhile', async () => {
    const { start, end, send, time } = await startWithIssuer();
    start('ana');
    expect((await send(cookieOf('ana'))).status).toBe(200);
    end('ana');
    time.advance(59_999);
    // It may still count here, but the renewal behind this request ends it.
    expect((await send(cookieOf('ana'))).status).toBe(200);
    await expect.poll(async () => (await send(cookieOf('ana'))).status).toBe(401);
    start('eve');
    expect((await send(cookieOf('eve'))).status).toBe(200);
    end('eve');
    time.advance(60_000);
    expect((await send(cookieOf('eve'))).status).toBe(401);
  });

  test('is renewed behind its requests, which do not wait', async () => {
    const { start, send, exchanges, time, state } = await startWithIssuer();
    start('ana');
    await send(cookieOf('ana'));
    time.advance(45_000);
    state.mood = 'hanging';
    expect((await send(cookieOf('ana'))).status).toBe(200);
    await expect.poll(() => exchanges.length).toBe(2);
  });

  test.each(['failing', 'rejecting-the-gateway'] as const)(
    'serves until its token expires while identity is %s',
    async (mood) => {
      const { start, send, time, state } = await startWithIssuer();
      start('ana');
      expect((await send(cookieOf('ana'))).status).toBe(200);
      state.mood = mood;
      for (const minutes of [1, 30, 33]) {
        time.advance(minutes * 60_000);
        expect((await send(cookieOf('ana'))).status).toBe(200);
      }
      time.advance(60_000);
      const expired = await send(cookieOf('ana'));
      expect([expired.status, expired.headers.get('set-cookie')]).toEqual([503, null]);
      expect(expired.headers.get('retry-after')).toBe('5');
      state.mood = 'working';
      time.advance(5_000);
      expect((await send(cookieOf('ana'))).status).toBe(200);
    },
  );

  test('is 503 with Retry-After when it is new and identity is away, and works afterwards', async () => {
    const { start, send, leave, comeBack } = await startWithIssuer();
    start('ana');
    leave();
    const response = await send(cookieOf('ana'));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(response.headers.get('set-cookie')).toBeNull();
    comeBack();
    expect((await send(cookieOf('ana'))).status).toBe(200);
  });

  test('is held for three seconds at most while identity hangs', async () => {
    const { start, send, state } = await startWithIssuer();
    start('ana');
    state.mood = 'hanging';
    const startedAt = performance.now();
    expect((await send(cookieOf('ana'))).status).toBe(503);
    expect(performance.now() - startedAt).toBeLessThan(6_000);
  });

  test('does not count against the limit of the service while it is held', async () => {
    const concurrencyLimit = { minLimit: 1, maxLimit: 1, initialLimit: 1 };
    const { start, send, state, exchanges } = await startWithIssuer({ concurrencyLimit });
    start('ana');
    state.mood = 'hanging';
    const held = send(cookieOf('ana'));
    await expect.poll(() => exchanges.length).toBe(1);
    expect((await send()).status).toBe(200);
    expect((await held).status).toBe(503);
    expect((await send()).status).toBe(200);
  });

  test('leaves nothing behind when its client disconnects while it is held', async () => {
    const { start, send, state, exchanges, service } = await startWithIssuer();
    start('ana');
    state.mood = 'hanging';
    const leaving = new AbortController();
    const held = send({ ...cookieOf('ana'), ...SAME_ORIGIN }, { method: 'POST', body: '{}', signal: leaving.signal });
    await expect.poll(() => exchanges.length).toBe(1);
    leaving.abort();
    await expect(held).rejects.toThrow('aborted');
    state.mood = 'working';
    expect((await send(cookieOf('ana'))).status).not.toBe(500);
    expect(service.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  });

  test('is not believed when another key signed its token', async () => {
    const { start, send, state, time, service } = await startWithIssuer();
    start('ana', { role: 'administrator' });
    state.signer = await createTestIssuer(time);
    expect((await send(cookieOf('ana'))).status).toBe(503);
    expect(service.requests).toEqual([]);
  });

  test('is renewed by what a person does, and not by streams and background requests', async () => {
    const { start, send, exchanges, time } = await startWithIssuer();
    start('ana');
    await send({ ...cookieOf('ana'), 'x-daybook-background': 'true' });
    time.advance(60_000);
    await send({ ...cookieOf('ana'), accept: 'text/event-stream' });
    expect(exchanges.map(({ isActive }) => isActive)).toEqual([false, false]);
    await send(cookieOf('ana'));
    await expect.poll(() => exchanges.map(({ isActive }) => isActive)).toEqual([false, false, true]);
    await send(cookieOf('ana'));
    expect(exchanges).toHaveLength(3);
  });

  test('reports activity that came while another exchange was running', async () => {
    const { start, send, exchanges, time } = await startWithIssuer();
    start('ana');
    await send(cookieOf('ana'));
    time.advance(60_000);
    await Promise.all([send({ ...cookieOf('ana'), accept: 'text/event-stream' }), send(cookieOf('ana'))]);
    await expect.poll(() => exchanges.slice(1).some(({ isActive }) => isActive)).toBe(true);
  });

  test('reaches no service under the name of another Daybook on this machine', async () => {
    const { seen } = await startWithIssuer();
    expect(await seen({ cookie: 'daybook_8081=x; Daybook-form_8081=y; daybooks=z' })).toMatchObject({
      cookie: 'daybooks=z',
    });
  });
});

describe('unknown sessions of one address', () => {
  test('are rejected with 429 and Retry-After beyond a limit, and those of a token go on', async () => {
    const { start, send, exchanges } = await startWithIssuer({ unknownSessions: { perSecond: 0.01, burst: 3 } });
    start('ana');
    expect((await send(cookieOf('ana'))).status).toBe(200);
    for (const guess of ['a', 'b']) expect((await send(cookieOf(guess))).status).toBe(401);
    const rejected = await send(cookieOf('c'));
    expect([rejected.status, rejected.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)]);
    expect(exchanges).toHaveLength(3);
    expect((await send(cookieOf('ana'))).status).toBe(200);
  });
});

describe('a request with a cookie that changes something', () => {
  test.each([
    ['comes from another site', { 'sec-fetch-site': 'cross-site', 'x-requested-with': 'x' }],
    ['comes from another origin of this site', { 'sec-fetch-site': 'same-site', 'x-requested-with': 'x' }],
    ['has another origin', { origin: 'https://evil.example', 'x-requested-with': 'x' }],
    ['has no origin', { 'x-requested-with': 'x' }],
    ['was typed by a person', { 'sec-fetch-site': 'none', 'x-requested-with': 'x' }],
    ['has no custom header', { 'sec-fetch-site': 'same-origin' }],
    ['has its origin and no custom header', { origin: 'https://daybook.example' }],
  ])('is rejected when it %s', async (_what, headers) => {
    const { start, send, service, exchanges } = await startWithIssuer();
    start('ana');
    const response = await send({ ...cookieOf('ana'), ...headers }, { method: 'POST', body: '{}' });
    expect([response.status, await response.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'cross-site-request' }),
    ]);
    expect(service.requests).toEqual([]);
    expect(exchanges).toEqual([]);
  });

  test.each([SAME_ORIGIN, { origin: 'https://daybook.example', 'x-requested-with': '' }])(
    'is forwarded with %o',
    async (headers) => {
      const { start, send } = await startWithIssuer();
      start('ana');
      expect((await send({ ...cookieOf('ana'), ...headers }, { method: 'POST', body: '{}' })).status).toBe(200);
    },
  );

  test('is rejected from an origin that the route allows', async () => {
    const routes = [
      {
        id: 'patients',
        predicates: { path: ['/api/v1/patients'] },
        service: 'patient-service',
        filters: [{ cors: { origins: ['https://app.example'], methods: ['POST'] } }],
      },
    ];
    const { start, send } = await startWithIssuer({ routes });
    start('ana');
    const headers = { ...cookieOf('ana'), origin: 'https://app.example', 'x-requested-with': 'x' };
    expect((await send(headers, { method: 'POST', body: '{}' })).status).toBe(403);
  });
});

/** Sends requests one after the other on one connection, and returns the text of each response. */
function onOneConnection(url: string, headers: Record<string, string>) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return async (path: string): Promise<string> => {
    const [response] = (await once(get(`${url}${path}`, { agent, headers }), 'response')) as [IncomingMessage];
    return text(response);
  };
}

describe('on one connection with the same headers', () => {
  test('identity gets all cookies and the Authorization as they were sent, and a service does not', async () => {
    const { app, url, start } = await startWithIssuer();
    let connections = 0;
    app.server.on('connection', () => {
      connections += 1;
    });
    start('ana');
    const sent = { cookie: `a=b; ${COOKIE}=${sessionNamed('ana')}`, authorization: 'Basic eDp5' };
    const request = onOneConnection(url, sent);
    for (let round = 0; round < 2; round += 1) {
      expect(JSON.parse(await request('/identity/sign-in'))).toMatchObject(sent);
      expect(JSON.parse(await request('/api/v1/patients'))).toMatchObject({
        cookie: 'a=b',
        authorization: expect.stringMatching(/^Bearer ey/),
      });
    }
    expect(connections).toBe(1);
  });

  test('each request is verified: a verdict does not outlive the session', async () => {
    const { url, start, end, time } = await startWithIssuer();
    start('ana');
    const request = onOneConnection(url, cookieOf('ana'));
    expect(await request('/api/v1/patients')).toContain('Bearer ey');
    end('ana');
    time.advance(60_000);
    expect(await request('/api/v1/patients')).toContain('unauthenticated');
  });
});

test('a limit by caller counts a person wherever the requests come from', async () => {
  const routes = [
    {
      id: 'patients',
      predicates: { path: ['/api/v1/patients'] },
      service: 'patient-service',
      filters: [{ rateLimit: { perSecond: 0.01, burst: 1 } }],
    },
  ];
  const { start, send, issuer } = await startWithIssuer({ routes });
  start('ana', { sub: 'ana' });
  expect((await send(cookieOf('ana'))).status).toBe(200);
  expect((await send({ authorization: `Bearer ${await issuer.sign({ sub: 'ana' })}` })).status).toBe(429);
  expect((await send({ authorization: `Bearer ${await issuer.sign({ sub: 'eve' })}` })).status).toBe(200);
});
