import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { cookieOf, startWithIssuer } from '../authentication/testing.ts';
import { PATIENTS, sendRaw, startGateway, startServer, type TestGatewayOptions, unreachableUrl } from '../testing.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const HANDSHAKE = [
  'Host: daybook.example',
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${KEY}`,
];

const handshake = (lines = HANDSHAKE, method = 'GET') =>
  `${[`${method} /api/v1/patients/live?x=1 HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`;

/** Starts a WebSocket service that echoes its input. Frames are only bytes to the gateway, and here. */
async function startSocketServer(accept = ACCEPT) {
  const sockets: Socket[] = [];
  const requests: IncomingMessage[] = [];
  const server = await startServer((_request, response) => response.end());
  server.server.on('upgrade', (request, socket, head) => {
    requests.push(request);
    sockets.push(socket as Socket);
    onTestFinished(() => void socket.destroy());
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write(`${[...lines, `Sec-WebSocket-Accept: ${accept}`, 'X-Private: 1'].join('\r\n')}\r\n\r\n`);
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => socket.write(chunk));
    // As WebSocket servers do.
    socket.on('end', () => socket.end());
    if (head.length > 0) socket.write(head);
  });
  return { ...server, sockets, requests };
}

/** Opens a connection and records everything that it receives. */
async function open(port: number, bytes = handshake()) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  const received = { text: '' };
  socket
    .on('error', () => undefined)
    .on('data', (chunk: Buffer) => {
      received.text += chunk.toString('latin1');
    });
  socket.write(bytes);
  await expect.poll(() => received.text).toContain('\r\n\r\n');
  return { socket, received };
}

async function startTunnel(options: TestGatewayOptions = {}) {
  const service = await startSocketServer();
  const gateway = await startGateway({ patients: [service.url], ...options });
  const client = await open(gateway.port);
  const [instance] = service.sockets;
  if (!instance) throw new Error('no tunnel was opened');
  return { service, gateway, client, instance };
}

describe('a WebSocket', () => {
  test('is opened by the instance, and forwards where it comes from', async () => {
    const { client, service } = await startTunnel();
    const [head = ''] = client.received.text.split('\r\n\r\n');
    expect(head.toLowerCase().split('\r\n')).toEqual([
      'http/1.1 101 switching protocols',
      `sec-websocket-accept: ${ACCEPT.toLowerCase()}`,
      'x-private: 1',
      expect.stringMatching(/^x-request-id: /),
      'connection: upgrade',
      'upgrade: websocket',
    ]);
    const [request] = service.requests;
    expect(request?.url).toBe('/api/v1/patients/live?x=1');
    expect(request?.headers).toMatchObject({
      host: new URL(service.url).host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': KEY,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'daybook.example',
      traceparent: expect.stringMatching(/^00-/),
    });
  });

  test('passes bytes on both ways, those that came with the handshake included', async () => {
    const service = await startSocketServer();
    const { port } = await startGateway({ patients: [service.url] });
    const { socket, received } = await open(port, `${handshake()}\x81\x80early`);
    await expect.poll(() => received.text).toContain('early');
    socket.write(Buffer.alloc(1024 * 1024, 'a'));
    await expect.poll(() => received.text.length).toBeGreaterThan(1024 * 1024);
  });

  test.each([
    ['ends', (socket: Socket) => void socket.end()],
    ['breaks', (socket: Socket) => void socket.resetAndDestroy()],
  ])('is closed on the side of the instance when the client %s', async (_how, leave) => {
    const { client, instance } = await startTunnel();
    const closed = once(instance, 'close');
    leave(client.socket);
    await closed;
  });

  test.each([
    ['ends', (socket: Socket) => void socket.end('last words')],
    ['breaks', (socket: Socket) => void socket.resetAndDestroy()],
  ])('is closed on the side of the client when the instance %s', async (how, leave) => {
    const { client, instance } = await startTunnel();
    const ended = once(client.socket, 'end');
    leave(instance);
    await ended;
    if (how === 'ends') expect(client.received.text).toContain('last words');
  });

  test('is closed on both sides when neither sends anything for long', async () => {
    const { client, instance } = await startTunnel({ tunnel: { idleMillis: 100 } });
    await Promise.all([once(client.socket, 'end'), once(instance, 'close')]);
  });

  test('is closed on both sides when the gateway closes, which does not wait for it', async () => {
    const { client, instance, gateway } = await startTunnel();
    const ended = [once(client.socket, 'end'), once(instance, 'close')];
    await gateway.app.close();
    await Promise.all(ended);
  });

  test('is counted as one request with its time', async () => {
    const { client, gateway } = await startTunnel();
    client.socket.end();
    const metrics = async () => await (await fetch(`${gateway.url}/metrics`)).text();
    await expect.poll(metrics).toContain('route="patients",outcome="proxied",status="101"} 1');
  });
});

describe('a WebSocket is refused', () => {
  test('as the instance refuses it', async () => {
    const service = await startServer(() => undefined);
    service.server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nX-Why: closed\r\nContent-Length: 4\r\n\r\nno!\n');
    });
    const { port } = await startGateway({ patients: [service.url] });
    expect(await sendRaw(port, handshake())).toMatch(/^HTTP\/1\.1 403 Forbidden\r\nx-why: closed\r\n[\s\S]*no!\n$/);
  });

  test.each([
    ['of another version', HANDSHAKE.map((line) => line.replace('13', '12')), 'GET'],
    ['without a key', HANDSHAKE.filter((line) => !line.includes('Key')), 'GET'],
    ['with an invalid key', HANDSHAKE.map((line) => line.replace(KEY, 'short')), 'GET'],
    ['with another method', HANDSHAKE, 'POST'],
  ])('%s', async (_what, lines, method) => {
    const service = await startSocketServer();
    const { port } = await startGateway({ patients: [service.url] });
    const response = await sendRaw(port, handshake(lines, method));
    expect(response).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"invalid-request"/);
    expect(service.requests).toEqual([]);
  });

  test('by a filter that responds itself, with the headers of every response of the gateway', async () => {
    const service = await startSocketServer();
    const filters = [{ redirect: { status: 308, location: 'https://daybook.example.org/docs' } }];
    const { port } = await startGateway({ patients: [service.url], routes: [{ ...PATIENTS, filters }] });
    const response = await sendRaw(port, handshake());
    expect(response).toMatch(/^HTTP\/1\.1 308 /);
    expect(response).toContain('\r\nlocation: https://daybook.example.org/docs\r\n');
    expect(response).toMatch(/\r\nx-content-type-options: nosniff\r\n[\s\S]*\r\nx-request-id: /);
    expect(service.requests).toEqual([]);
  });

  test('when the response is not to its handshake', async () => {
    const service = await startSocketServer('something else');
    const { port } = await startGateway({ patients: [service.url] });
    expect(await sendRaw(port, handshake())).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"service-unavailable"/);
  });

  test('when no instance responds in time', async () => {
    const service = await startServer(() => undefined);
    service.server.on('upgrade', (_request, socket) => onTestFinished(() => void socket.destroy()));
    const { port } = await startGateway({ patients: [service.url], routes: [{ ...PATIENTS, timeoutMillis: 100 }] });
    expect(await sendRaw(port, handshake())).toMatch(/^HTTP\/1\.1 504 /);
  });

  test('when there are as many as may be', async () => {
    const { gateway } = await startTunnel({ tunnel: { maxTunnels: 1 } });
    const response = await sendRaw(gateway.port, handshake());
    expect(response).toMatch(/^HTTP\/1\.1 503 [\s\S]*\r\nretry-after: \d/);
  });
});

test('a WebSocket goes to another instance when one is dead', async () => {
  const service = await startSocketServer();
  const { port } = await startGateway({ patients: [await unreachableUrl(), await unreachableUrl(), service.url] });
  await open(port);
  expect(service.requests).toHaveLength(1);
});

test('a WebSocket goes to another instance when the address of one cannot be used', async () => {
  // The balancer then selects the first instance of the list first.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const service = await startSocketServer();
  const { port } = await startGateway({ patients: ['http://no host/', 'ftp://x', service.url] });
  await open(port);
  expect(service.requests).toHaveLength(1);
});

test('where no route leads, and for another protocol, a request is as any other', async () => {
  const service = await startServer((request, response) => response.end(`plain ${request.headers.upgrade}`));
  const { port } = await startGateway({ patients: [service.url] });
  const close = (lines: readonly string[]) =>
    lines.map((line) => line.replace('keep-alive, Upgrade', 'close, Upgrade'));
  const elsewhere = handshake(close(HANDSHAKE)).replace('/api/v1/patients/live', '/elsewhere');
  expect(await sendRaw(port, elsewhere)).toMatch(/^HTTP\/1\.1 404 /);
  const other = handshake(close(HANDSHAKE.map((line) => line.replace('websocket', 'h2c'))));
  expect(await sendRaw(port, other)).toMatch(/^HTTP\/1\.1 200 [\s\S]*plain undefined/);
});

describe('the handshake of a signed-in person', () => {
  const lines = (...more: string[]) => handshake([...HANDSHAKE, ...more]);

  async function startSignedIn() {
    const service = await startSocketServer();
    const started = await startWithIssuer({ patients: [service.url] });
    started.start('ana');
    return { ...started, service, cookie: `Cookie: a=b; ${cookieOf('ana').cookie}` };
  }

  test('reaches the service with a token instead of the cookie', async () => {
    const { port, service, cookie, exchanges } = await startSignedIn();
    const { received } = await open(port, lines(cookie, 'Origin: https://daybook.example'));
    expect(received.text).toMatch(/^HTTP\/1\.1 101 /);
    expect(service.requests[0]?.headers).toMatchObject({
      cookie: 'a=b',
      authorization: expect.stringMatching(/^Bearer ey/),
    });
    expect(exchanges).toEqual([expect.objectContaining({ isActive: false })]);
  });

  test.each([
    ['has another origin', 'Origin: https://evil.example'],
    ['has no origin', 'X-Requested-With: x'],
    ['comes from another origin of this site', 'Sec-Fetch-Site: same-site'],
  ])('is rejected when it %s', async (_what, line) => {
    const { port, service, cookie } = await startSignedIn();
    expect((await open(port, lines(cookie, line))).received.text).toMatch(/^HTTP\/1\.1 403 /);
    expect(service.requests).toEqual([]);
  });

  test('is 401 when the session has ended or the token is not valid', async () => {
    const { port, service, cookie, end } = await startSignedIn();
    end('ana');
    expect((await open(port, lines(cookie, 'Sec-Fetch-Site: same-origin'))).received.text).toMatch(
      /^HTTP\/1\.1 401 .*set-cookie: __Host-daybook=;/is,
    );
    expect((await open(port, lines('Authorization: Bearer x'))).received.text).toMatch(/^HTTP\/1\.1 401 /);
    expect(service.requests).toEqual([]);
  });
});
