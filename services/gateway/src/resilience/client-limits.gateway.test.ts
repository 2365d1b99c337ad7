/** Checks that no client holds so much that others wait. Uses real sockets and the gateway's default limits. */
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { PATIENTS, startGateway, startServer } from '../testing.ts';
import { CLIENT_LIMITS } from './client-limits.ts';

const WAIT = { timeout: 20_000, interval: 10 };
const FIRST = 'a'.repeat(64 * 1024 + 1);

const head = (method: string, ...lines: string[]) =>
  [`${method} /api/v1/patients HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');

/** Starts a client that sends this, keeps its connection, and reads. */
function hold(port: number, bytes: string) {
  const socket: Socket = connect(port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (piece: Buffer) => {
    received += piece.toString('latin1');
  });
  socket.write(bytes, 'latin1');
  return { socket, status: () => Number(/^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1] ?? 0), received: () => received };
}

/** Returns the response to one request, after which the connection closes. */
async function fetchRaw(port: number, ...lines: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(head('GET', 'Connection: close', ...lines));
  return await text(socket);
}

const holdMany = (count: number, port: number, bytes: string) => Array.from({ length: count }, () => hold(port, bytes));

describe('a body that does not come', () => {
  test('takes no connection to the service, and other requests do not wait', async () => {
    const upstream = await startServer((_request, response) => response.end('ok'));
    const { port } = await startGateway({ patients: [upstream.url], upstream: { connections: 4 } });
    const held = holdMany(140, port, head('POST', 'Content-Length: 10'));
    await vi.waitFor(() => expect(held.every(({ socket }) => socket.bytesWritten > 0)).toBe(true), WAIT);
    const startedAt = performance.now();
    expect(await fetchRaw(port)).toMatch(/^HTTP\/1\.1 200 /);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(upstream.requests).toEqual(['GET /api/v1/patients']);
    expect(held.every(({ status }) => status() === 0)).toBe(true);
  });

  test('is not counted against the limit of its service', async () => {
    const upstream = await startServer((_request, response) => response.end('ok'));
    const { port } = await startGateway({ patients: [upstream.url], concurrencyLimit: { minLimit: 1, maxLimit: 2 } });
    holdMany(10, port, head('POST', 'Transfer-Encoding: chunked'));
    expect(await fetchRaw(port)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('is rejected with 429 where the address has too many of them, which another one does not notice', async () => {
    const upstream = await startServer(
      (request, response) => void request.resume().on('end', () => response.end('ok')),
    );
    const { port } = await startGateway({ patients: [upstream.url], trustedProxies: ['127.0.0.1'] });
    const { perClient } = CLIENT_LIMITS.pendingBodies;
    const from = (address: string) => head('POST', `X-Forwarded-For: ${address}`, 'Content-Length: 2');
    const held = holdMany(perClient + 1, port, from('192.0.2.1'));
    const rejected = () => held.filter(({ status }) => status() !== 0);
    await vi.waitFor(() => expect(rejected()).toHaveLength(1), WAIT);
    const [one] = rejected();
    expect(one?.status()).toBe(429);
    expect(one?.received()).toMatch(/^retry-after: \d+\r$/im);
    expect(one?.received()).toContain('"code":"too-many-requests"');
    const other = hold(port, `${from('192.0.2.2')}ab`);
    await vi.waitFor(() => expect(other.status()).toBe(200), WAIT);
    // Each complete body makes room for one more.
    for (const { socket } of held) socket.write('ab');
    await vi.waitFor(() => expect(held.filter(({ status }) => status() === 200)).toHaveLength(perClient), WAIT);
    const again = hold(port, `${from('192.0.2.1')}ab`);
    await vi.waitFor(() => expect(again.status()).toBe(200), WAIT);
  });

  test('is over after its time, however steadily it comes', async () => {
    const upstream = await startServer((_request, response) => response.end('ok'));
    const routes = [{ ...PATIENTS, timeouts: { headersMillis: 200 } }];
    const { port } = await startGateway({ patients: [upstream.url], routes });
    const { socket, status } = hold(port, head('POST', 'Content-Length: 10000'));
    const dripping = setInterval(() => socket.write('a'), 20);
    onTestFinished(() => clearInterval(dripping));
    await vi.waitFor(() => expect(status()).toBe(408), WAIT);
    expect(upstream.requests).toEqual([]);
  });
});

describe('a large body that does not go on', () => {
  test('of one address leaves connections to the service for others', async () => {
    const upstream = await startServer((request, response) => {
      if (request.method === 'GET') response.end('ok');
    });
    const { port } = await startGateway({ patients: [upstream.url], upstream: { connections: 20 } });
    const { perClient } = CLIENT_LIMITS.uploads;
    const held = holdMany(perClient + 10, port, `${head('POST', 'Content-Length: 1000000')}${FIRST}`);
    await vi.waitFor(() => expect(held.filter(({ status }) => status() === 429)).toHaveLength(10), WAIT);
    expect(upstream.requests).toHaveLength(perClient);
    expect(await fetchRaw(port)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('requests under way', () => {
  test('of one address leave room for those of another', async () => {
    const upstream = await startServer((request, response) => {
      if (request.url?.endsWith('swift')) response.end('ok');
    });
    // Longer than a slow machine needs for this many connections.
    const routes = [{ ...PATIENTS, timeouts: { headersMillis: 60_000 } }];
    const options = { trustedProxies: ['127.0.0.1'], upstream: { connections: 2_000 }, routes };
    const { port } = await startGateway({ patients: [upstream.url], ...options });
    const { perClient } = CLIENT_LIMITS.requests;
    const held = holdMany(perClient + 1, port, head('GET', 'X-Forwarded-For: 192.0.2.1'));
    await vi.waitFor(() => expect(held.filter(({ status }) => status() === 429)).toHaveLength(1), WAIT);
    const swift = head('GET', 'X-Forwarded-For: 192.0.2.2').replace(' HTTP', '/swift HTTP');
    const other = hold(port, swift);
    await vi.waitFor(() => expect(other.status()).toBe(200), WAIT);
    held.find(({ status }) => status() === 0)?.socket.destroy();
    const again = () => hold(port, swift.replace('192.0.2.2', '192.0.2.1'));
    await vi.waitFor(async () => {
      const { status } = again();
      await vi.waitFor(() => expect(status()).toBe(200), { timeout: 200, interval: 5 });
    }, WAIT);
  });
});

const handshake = (address: string) =>
  head(
    'GET',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `X-Forwarded-For: ${address}`,
  );

describe('open WebSockets', () => {
  test('of one address are rejected with 429 beyond its limit, until one of them is closed', async () => {
    const upstream = await startServer(() => undefined);
    const opened: Duplex[] = [];
    upstream.server.on('upgrade', (_request, socket) => {
      opened.push(socket);
      socket.on('error', () => undefined);
      onTestFinished(() => void socket.destroy());
      const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'];
      socket.write([...lines, 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', '\r\n'].join('\r\n'));
    });
    const { port } = await startGateway({ patients: [upstream.url], trustedProxies: ['127.0.0.1'] });
    const openFrom = async (address: string) => {
      const one = hold(port, handshake(address));
      await vi.waitFor(() => expect(one.status()).not.toBe(0), WAIT);
      return one;
    };
    const { perClient } = CLIENT_LIMITS.tunnels;
    // One after the other, so that they do not reach the limit of handshakes.
    for (let count = 0; count < perClient; count += 1) expect((await openFrom('192.0.2.1')).status()).toBe(101);
    const rejected = await openFrom('192.0.2.1');
    expect(rejected.status()).toBe(429);
    expect(rejected.received()).toMatch(/^retry-after: \d+\r$/im);
    expect(opened).toHaveLength(perClient);
    expect((await openFrom('192.0.2.2')).status()).toBe(101);
    opened[0]?.destroy();
    await vi.waitFor(async () => expect((await openFrom('192.0.2.1')).status()).toBe(101), WAIT);
    expect((await openFrom('192.0.2.1')).status()).toBe(429);
  });
});

describe('WebSocket handshakes without a response of the service', () => {
  async function startSilent() {
    const upstream = await startServer(() => undefined);
    const upstreamSockets: Duplex[] = [];
    upstream.server.on('upgrade', (_request, socket) => {
      upstreamSockets.push(socket);
      socket.on('error', () => undefined);
      onTestFinished(() => void socket.destroy());
    });
    const { port } = await startGateway({ patients: [upstream.url], trustedProxies: ['127.0.0.1'] });
    return { port, upstreamSockets };
  }

  test('are rejected with 429 beyond the limit of an address, until one of them is over', async () => {
    const { port, upstreamSockets } = await startSilent();
    const { perClient } = CLIENT_LIMITS.handshakes;
    const held = holdMany(perClient + 5, port, handshake('192.0.2.1'));
    await vi.waitFor(() => expect(held.filter(({ status }) => status() === 429)).toHaveLength(5), WAIT);
    await vi.waitFor(() => expect(upstreamSockets).toHaveLength(perClient), WAIT);
    hold(port, handshake('192.0.2.2'));
    await vi.waitFor(() => expect(upstreamSockets).toHaveLength(perClient + 1), WAIT);
    upstreamSockets[0]?.destroy();
    await vi.waitFor(() => expect(held.filter(({ status }) => status() === 503)).toHaveLength(1), WAIT);
    hold(port, handshake('192.0.2.1'));
    await vi.waitFor(() => expect(upstreamSockets).toHaveLength(perClient + 2), WAIT);
  });

  test('are rejected with 503 beyond the limit of all addresses', async () => {
    const { port, upstreamSockets } = await startSilent();
    const { perClient, total } = CLIENT_LIMITS.handshakes;
    for (let client = 0; client * perClient < total; client += 1) {
      holdMany(perClient, port, handshake(`192.0.2.${client}`));
    }
    await vi.waitFor(() => expect(upstreamSockets).toHaveLength(total), WAIT);
    const { status } = hold(port, handshake('192.0.2.200'));
    await vi.waitFor(() => expect(status()).toBe(503), WAIT);
  });
});
