/** Checks that pipelined requests get their responses in order, and that each ends only its own connection. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { onContainedFailure } from '@daybook/service';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PATIENTS, startGateway, startServer } from '../testing.ts';
import { expectRefusal, startGatewayAndRecorder, statusesIn } from './testing.ts';

const PLAIN = 'GET /api/v1/patients HTTP/1.1\r\nHost: x\r\n\r\n';
const HANDSHAKE = [
  'GET /api/v1/patients/live HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');
const CONNECT = 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n';

/** More than the sockets on the way can buffer. */
const LARGE = 4 * 1024 * 1024;

/** Requests that end a connection with one response of this status. */
const last = [
  ['WebSocket handshake', HANDSHAKE, 400],
  ['WebSocket handshake of no version', HANDSHAKE.replace(/Sec-WebSocket-Version.*\r\n/, ''), 400],
  ['WebSocket handshake with a body', HANDSHAKE.replace('\r\n\r\n', '\r\nContent-Length: 2\r\n\r\nab'), 400],
  ['CONNECT', CONNECT, 400],
  ['CONNECT with half a body', CONNECT.replace('\r\n\r\n', '\r\nContent-Length: 9\r\n\r\nab'), 400],
  ['unknown expectation', 'GET /api/v1/patients HTTP/1.1\r\nHost: x\r\nExpect: cake\r\n\r\n', 417],
  ['request that cannot be read', 'GET /api/v1/patients HTTP/1.1\r\nHost : x\r\n\r\n', 400],
  ['path with two readings', 'GET /api/v1/patients/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n', 400],
] as const;

/** Starts a gateway before a service that responds when it is released. */
async function startHeld(body = 'ok') {
  const held = Promise.withResolvers<void>();
  const service = await startServer(async (_request, response) => {
    await held.promise;
    response.end(body);
  });
  const gateway = await startGateway({ patients: [service.url] });
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return { gateway, service, socket, release: held.resolve };
}

describe.each(last)('gateway that receives a %s', (_what, bytes, status) => {
  test('alone sends one response and closes the connection', async () => {
    const { send } = await startGatewayAndRecorder();
    const received = await send(bytes);
    // This service does not support WebSockets, so its own response is allowed.
    if (bytes === HANDSHAKE) expect(statusesIn(received)).toEqual([200]);
    else expectRefusal(received, status);
  });

  test.each([1, 2])('behind %d pending responses sends its own after them', async (count) => {
    const { gateway, service, socket, release } = await startHeld();
    const received = text(socket);
    socket.write(`${PLAIN.repeat(count)}${bytes}${PLAIN}`);
    await expect.poll(() => service.requests.length).toBe(count);
    // A later exchange has passed, so the effects of the first connection are complete.
    await fetch(`${gateway.url}/health/live`);
    release();
    expect(statusesIn(await received)).toEqual([...Array.from({ length: count }, () => 200), status]);
    expect(service.requests).toHaveLength(count);
  });

  test('behind a response of many bytes sends its own after it', async () => {
    const { service, socket, release } = await startHeld('ABCDEFGH'.repeat(LARGE / 8));
    socket.write(`${PLAIN}${bytes}`);
    await expect.poll(() => service.requests.length).toBe(1);
    release();
    const received = await text(socket);
    expect(received.length).toBeGreaterThan(LARGE);
    expect(statusesIn(received.replaceAll('ABCDEFGH', ''))).toEqual([200, status]);
  });

  test('behind pending responses loses nothing but these when the client resets the connection', async () => {
    const { gateway, service, socket, release } = await startHeld();
    socket.write(`${PLAIN}${PLAIN}${bytes}`);
    await expect.poll(() => service.requests.length).toBe(2);
    socket.resetAndDestroy();
    const metrics = async () => await (await fetch(`${gateway.url}/metrics`)).text();
    await expect.poll(metrics).toContain('route="patients",outcome="client-closed-request",status="499"} 2');
    release();
    expect((await fetch(`${gateway.url}/api/v1/patients`)).status).toBe(200);
  });
});

const EVENTS = { 'content-type': 'text/event-stream' };

/**
 * Starts a gateway before a service that holds its response to `/slow`, and that to `/events` forever.
 * `others` handles the other paths.
 */
async function startPipeline(others: RequestListener, timeouts = { bodyMillis: 100 }) {
  const held = Promise.withResolvers<void>();
  const service = await startServer(async (request, response) => {
    if (request.url?.endsWith('/events')) return response.writeHead(200, EVENTS).flushHeaders();
    if (!request.url?.endsWith('/slow')) return others(request, response);
    await held.promise;
    response.end('slow');
  });
  const routes = [{ ...PATIENTS, timeouts }];
  const gateway = await startGateway({ patients: [service.url], routes });
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  const get = (path: string) => PLAIN.replace('patients', `patients/${path}`);
  const metrics = async () => await (await fetch(`${gateway.url}/metrics`)).text();
  return { gateway, service, socket, release: held.resolve, get, metrics };
}

describe('gateway that cannot complete a pipelined response', () => {
  test.each([
    ['because the service breaks it', 'aborted', 'part'],
    // More than node:http buffers for a response that is not due yet.
    ['because the response before it takes longer than a pause may', 'timeout', 'x'.repeat(LARGE)],
  ])('closes the connection after the responses before it: %s', async (_why, outcome, body) => {
    const { socket, release, get, metrics } = await startPipeline((request, response) => {
      response.write(body, () => void (outcome === 'aborted' && request.socket.destroy()));
    });
    const received = text(socket);
    socket.write(`${get('slow')}${get('unfinished')}${get('fine')}`);
    await expect.poll(metrics, { timeout: 10_000 }).toContain(`route="patients",outcome="${outcome}"`);
    release();
    expect(await received).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nslow$/);
  });
});

test('gateway keeps a complete response for as long as the one before it takes', async () => {
  const { gateway, service, socket, release, get } = await startPipeline((request, response) => {
    if (request.url?.endsWith('fine')) response.end('fine');
    else response.write('part');
  });
  const received = text(socket);
  socket.write(`${get('slow')}${get('fine')}`);
  await expect.poll(() => service.requests.length).toBe(2);
  // A response that began later than the one that waits, and is broken off because it pauses for too long.
  const other = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
  other.write(get('unfinished'));
  expect(statusesIn(await text(other))).toEqual([200]);
  release();
  await expect.poll(() => socket.bytesRead).toBeGreaterThan(0);
  socket.end();
  expect(await received).toMatch(/\r\n\r\nslowHTTP\/1\.1 200 [\s\S]*\r\n\r\nfine$/);
});

test('gateway breaks a complete response off when the one before it takes longer than everything may', async () => {
  const timeouts = { bodyMillis: 50, totalMillis: 200 };
  const { service, socket, get, metrics } = await startPipeline((_request, response) => response.end('fine'), timeouts);
  const received = text(socket);
  // An event stream has no end of its own.
  socket.write(`${get('events')}${get('fine')}`);
  await expect.poll(() => service.requests.length).toBe(2);
  await expect
    .poll(metrics, { timeout: 10_000 })
    .toContain('route="patients",outcome="client-closed-request",status="200"} 1');
  socket.end();
  expect(statusesIn(await received)).toEqual([200]);
});

test('gateway sends the pending responses before a rejected request whose body does not come', async () => {
  const { gateway, service, socket, release, get } = await startPipeline((_request, response) => response.end('ok'));
  const received = text(socket);
  const upload = 'POST /api/v1/patients HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n';
  socket.write(`${get('slow')}${upload}half`);
  await expect.poll(() => service.requests.length).toBe(1);
  // The gateway closes this connection at its body timeout, which began after that of the other connection.
  const later = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
  later.write(upload);
  expect(statusesIn(await text(later))).toEqual([413]);
  release();
  expect(statusesIn(await received)).toEqual([200, 413]);
});

test('gateway keeps serving when a client sends CONNECT and resets the connection', async () => {
  const { url, app, port } = await startGateway();
  const handed = once(app.server, 'connect');
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(CONNECT);
  const [, accepted] = await handed;
  socket.resetAndDestroy();
  await expect.poll(() => accepted.closed).toBe(true);
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
});

describe('an unexpected failure costs one connection', () => {
  test.each([
    ['a plain request', PLAIN],
    ['a request with a body', PLAIN.replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 2\r\n\r\nab')],
    ['a WebSocket handshake', HANDSHAKE],
  ])('when a route fails on %s', async (_what, bytes) => {
    const failures: unknown[] = [];
    onTestFinished(onContainedFailure((failure) => failures.push(failure)));
    const { url, port, routes } = await startGateway();
    const failure = new Error('a fault of ours');
    const { table } = routes.current;
    const match = table.match.bind(table);
    table.match = (request) => {
      if (request.headers['x-fail'] !== undefined) throw failure;
      return match(request);
    };
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(bytes.replace('Host: x', 'Host: x\r\nX-Fail: 1'));
    expect(await text(socket)).toBe('');
    expect(failures).toContain(failure);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });
});
