/** Sends raw bytes from hostile clients and broken services, for tests. */
import { connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { type CleanUp, startGateway, startServer, type TestGatewayOptions } from '../testing.ts';

/** Starts a service that records every byte, and every complete request. */
export async function startRecorder(cleanUp?: CleanUp) {
  const completed: string[] = [];
  const pieces: Buffer[] = [];
  const { url, server } = await startServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (body) completed.push(`${request.method} ${request.url} ${body.toString('latin1')}`.trimEnd());
    response.end('ok');
  }, cleanUp);
  server.on('connection', (socket) => socket.on('data', (piece: Buffer) => pieces.push(piece)));
  return { url, completed, bytes: () => Buffer.concat(pieces).toString('latin1') };
}

/** Starts a service that responds to each request with these bytes. `closes` ends the connection afterwards. */
export async function startRawServer(response: string | (() => string), { closes = false } = {}) {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.on('data', (piece) => {
      requests.push(piece.toString('latin1').split(' HTTP/', 1)[0] ?? '');
      socket.write(typeof response === 'string' ? response : response(), 'latin1');
      if (closes) socket.end();
    });
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  onTestFinished(async () => {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    for (const socket of sockets) socket.destroy();
    await closed.promise;
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the test server has no port');
  return { url: `http://127.0.0.1:${address.port}`, requests };
}

/** Sends each character as one byte. Reads until the connection ends in any way. */
export async function sendBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  const closed = Promise.withResolvers<void>();
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece)).on('close', () => closed.resolve());
  socket.write(bytes, 'latin1');
  await closed.promise;
  return Buffer.concat(pieces).toString('latin1');
}

/** Starts a gateway before a recorder. */
export async function startGatewayAndRecorder(options: TestGatewayOptions = {}) {
  const upstream = await startRecorder(options.cleanUp);
  const { port, app } = await startGateway({ patients: [upstream.url], ...options });
  return { port, app, upstream, send: (bytes: string) => sendBytes(port, bytes) };
}

/** Shares one pair between all tests of a block. None of these tests may reach the service. */
export function shareGatewayAndRecorder() {
  const closers: (() => Promise<void>)[] = [];
  let shared: Awaited<ReturnType<typeof startGatewayAndRecorder>> | undefined;
  beforeAll(async () => {
    shared = await startGatewayAndRecorder({ cleanUp: (close) => void closers.unshift(close) });
  });
  afterAll(async () => {
    for (const close of closers) await close();
  });
  return async (bytes: string, status: number) => {
    if (!shared) throw new Error('the pair is not there yet');
    expectRefusal(await shared.send(bytes), status);
    expect(shared.upstream.bytes()).toBe('');
  };
}

export const statusesIn = (response: string): number[] =>
  [...response.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

/** Expects exactly one refusal of the gateway, and then the end of the connection. */
export function expectRefusal(response: string, status: number): void {
  expect(statusesIn(response)).toEqual([status]);
  const [head = '', body = ''] = response.split('\r\n\r\n');
  expect(head).toMatch(/^content-type: application\/problem\+json; charset=utf-8\r?$/im);
  expect(head).toMatch(/^x-request-id: [0-9a-f-]{36}\r?$/im);
  expect(JSON.parse(body)).toMatchObject({ status, code: expect.any(String), traceId: expect.any(String) });
}

/** Returns a request for the patients that closes the connection, because the tests wait for the close. */
export const requestOf = (method: string, lines: readonly string[] = [], body = ''): string =>
  [`${method} /api/v1/patients HTTP/1.1`, 'Host: x', 'Connection: close', ...lines, '', body].join('\r\n');
