import { describe, expect, test } from 'vitest';
import { requestOf } from '../predicates/testing.ts';
import type { Route } from '../routes/route.ts';
import { PATIENTS, sendRaw, startGateway, startServer } from '../testing.ts';
import { createForwarding } from './forwarded.ts';

const CLAIMS = ['X-Forwarded-For: 203.0.113.9', 'X-Forwarded-Host: clinic.example', 'X-Forwarded-Proto: https'];

async function headersSeen(trustedProxies: string[], sent: string[]) {
  const echo = await startServer((request, response) => response.end(JSON.stringify(request.headers)));
  const { port } = await startGateway({ patients: [echo.url], trustedProxies });
  const lines = ['GET /api/v1/patients HTTP/1.1', 'Host: inner.example', 'Connection: close', ...sent];
  const response = await sendRaw(port, `${lines.join('\r\n')}\r\n\r\n`);
  return JSON.parse(response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1));
}

describe('what a client sends about its origin', () => {
  test.each([
    ['no proxy is trusted', []],
    ['others are trusted', ['10.0.0.0/8', '::1']],
  ])('is dropped where %s', async (_what, trusted) => {
    const seen = await headersSeen(trusted, [...CLAIMS, 'Forwarded: for=203.0.113.9']);
    expect(seen).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'inner.example',
      'x-forwarded-proto': 'http',
    });
    expect(seen).not.toHaveProperty('forwarded');
  });

  test('is passed on from a trusted proxy, which is added', async () => {
    const seen = await headersSeen(['127.0.0.0/8'], [...CLAIMS, 'Forwarded: for=203.0.113.9;proto=https']);
    expect(seen).toMatchObject({
      'x-forwarded-for': '203.0.113.9, 127.0.0.1',
      'x-forwarded-host': 'clinic.example',
      'x-forwarded-proto': 'https',
      forwarded: 'for=203.0.113.9;proto=https, for=127.0.0.1;host="inner.example";proto=http',
    });
  });

  test('is what the gateway knows where a trusted proxy sends nothing, or nonsense', async () => {
    const nonsense = ['X-Forwarded-Host: a b', 'X-Forwarded-Proto: gopher'];
    for (const sent of [[], nonsense]) {
      expect(await headersSeen(['127.0.0.1'], sent)).toMatchObject({
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-host': 'inner.example',
        'x-forwarded-proto': 'http',
      });
    }
  });
});

describe('the mark of a direct request', () => {
  const IDENTITY: Route = {
    id: 'identity',
    predicates: { path: ['/identity/**'] },
    service: 'identity-service',
  };

  async function markSeen(sent: string[], { trustedProxies = [''].slice(1), path = '/identity/sign-in' } = {}) {
    const echo = await startServer((request, response) => response.end(JSON.stringify(request.headers)));
    const { port } = await startGateway({
      identity: [echo.url],
      patients: [echo.url],
      trustedProxies,
      routes: [IDENTITY, PATIENTS],
    });
    const lines = [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...sent];
    const response = await sendRaw(port, `${lines.join('\r\n')}\r\n\r\n`);
    return JSON.parse(response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1))['x-daybook-direct'];
  }

  // A request with an unusual header is not on the fast path.
  test.each([
    ['on the fast path', []],
    ['beside the fast path', ['TE: trailers']],
    ['with a mark of its own', ['X-Daybook-Direct: 1']],
  ])('is on a request to identity %s', async (_where, sent) => {
    expect(await markSeen(sent)).toBe('1');
  });

  test.each([
    ['Forwarded: for=203.0.113.9'],
    ['forwarded:'],
    ['X-Forwarded-For: 127.0.0.1'],
    ['X-Forwarded-Host: localhost'],
    ['X-FORWARDED-PROTO: https'],
    ['X-Forwarded: 1'],
    ['X_Forwarded_For: 127.0.0.1'],
    ['X-Forwarded-Anything: 1'],
    ['X-Real-IP: 127.0.0.1'],
    ['Via: 1.1 tunnel'],
    ['CF-Connecting-IP: 127.0.0.1'],
  ])('is not on a request with %s', async (line) => {
    expect(await markSeen([line])).toBeUndefined();
    expect(await markSeen([line, 'TE: trailers', 'X-Daybook-Direct: 1'])).toBeUndefined();
  });

  test('is on none behind a trusted proxy, also where the proxy sends nothing', async () => {
    for (const trusted of ['127.0.0.1', '10.0.0.0/8']) {
      expect(await markSeen(['X-Daybook-Direct: 1'], { trustedProxies: [trusted] })).toBeUndefined();
    }
  });

  test('is for identity only', async () => {
    expect(await markSeen(['X-Daybook-Direct: 1'], { path: '/api/v1/patients' })).toBeUndefined();
  });

  test('is not on a request of another machine', () => {
    const { isDirect } = createForwarding();
    const directAt = (remoteAddress: string, localAddress: string): boolean => {
      const request = requestOf({});
      Object.defineProperties(request.socket, {
        remoteAddress: { value: remoteAddress },
        localAddress: { value: localAddress },
      });
      return isDirect(request);
    };
    expect(directAt('127.0.0.1', '127.0.0.1')).toBe(true);
    expect(directAt('::ffff:127.0.0.1', '::ffff:127.0.0.1')).toBe(true);
    expect(directAt('::1', '::1')).toBe(true);
    expect(directAt('192.0.2.7', '192.0.2.1')).toBe(false);
    expect(directAt('192.0.2.1', '192.0.2.1')).toBe(false);
    expect(directAt('', '')).toBe(false);
  });
});

describe('the address of a client', () => {
  const { clientAddressOf } = createForwarding(['127.0.0.0/8', '10.0.0.0/8']);

  function addressOf(peer: string, forwardedFor?: string): string {
    const request = requestOf({ headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor } });
    Object.defineProperty(request.socket, 'remoteAddress', { value: peer });
    return clientAddressOf(request);
  }

  test.each([
    ['that of the socket', '203.0.113.1', undefined, '203.0.113.1'],
    ['that of the socket, whatever it claims', '203.0.113.1', '10.0.0.1', '203.0.113.1'],
    ['what the proxy sends', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['what the proxy sends, though the client claims another', '10.0.0.1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['the first before all proxies', '10.0.0.1', '6.6.6.6,203.0.113.9 , 10.0.0.3,127.0.0.1', '203.0.113.9'],
    ['the farthest proxy where all are', '10.0.0.1', '10.0.0.9, 10.0.0.3', '10.0.0.9'],
    ['plain, however it is written', '::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['the last that is one', '10.0.0.1', '203.0.113.9, unknown, 10.0.0.3', '10.0.0.3'],
    ['the proxy where it sends nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['the proxy where it sends nonsense', '10.0.0.1', 'x', '10.0.0.1'],
    ['one of IPv6', '10.0.0.1', '2001:db8::7', '2001:db8::7'],
  ])('is %s', (_what, peer, forwardedFor, address) => {
    expect(addressOf(peer, forwardedFor)).toBe(address);
  });

  test('is searched in a few hops only', () => {
    expect(addressOf('10.0.0.1', `6.6.6.6${', 10.0.0.2'.repeat(1_000)}`)).toBe('10.0.0.2');
  });
});

test('a limit by address counts the clients behind a trusted proxy apart, and others by their socket', async () => {
  const upstream = await startServer((_request, response) => response.end());
  const routes = [{ ...PATIENTS, filters: [{ rateLimit: { perSecond: 0.01, burst: 1, key: 'address' } }] }];
  for (const [trustedProxies, statuses] of [
    [['127.0.0.1'], [200, 200, 429]],
    [[], [200, 429, 429]],
  ] as const) {
    const { url } = await startGateway({ patients: [upstream.url], routes, trustedProxies });
    const statusFor = async (client: string) =>
      (await fetch(`${url}/api/v1/patients`, { headers: { 'x-forwarded-for': client } })).status;
    expect([
      await statusFor('203.0.113.1'),
      await statusFor('203.0.113.2'),
      await statusFor('6.6.6.6, 203.0.113.1'),
    ]).toEqual(statuses);
  }
});
