import { describe, expect, test } from 'vitest';
import { requestOf } from '../predicates/testing.ts';
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
