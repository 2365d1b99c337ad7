/** Checks that a client that continues to send receives the last response on its connection. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startDraining } from '@daybook/service';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway, startServer } from '../testing.ts';
import { statusesIn } from './testing.ts';

/** More than one read of a connection returns. */
const MORE = 'x'.repeat(1024 * 1024);
const HEAD = 'GET /api/v1/patients HTTP/1.1\r\nHost: x\r\n';
const PLAIN = `${HEAD}\r\n`;
const HANDSHAKE = `${HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;

test.each([
  ['a head that is too large', `GET /api/v1/patients?q=${'x'.repeat(27_000)}`, [431]],
  ['a head that is too large, of the gateway itself', `GET /admin/parked-events?q=${'x'.repeat(27_000)}`, [431]],
  ['a head that is too large behind a request', `${PLAIN}GET /?q=${'x'.repeat(27_000)}`, [200, 431]],
  ['a path with two readings', 'GET /api/v1//patients HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
  ['a WebSocket handshake behind a request', `${PLAIN}${HANDSHAKE}Sec-WebSocket-Version: 13\r\n\r\n`, [200, 400]],
  ['a WebSocket handshake of another version', `${HANDSHAKE}Sec-WebSocket-Version: 12\r\n\r\n`, [400]],
  ['CONNECT', 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
  ['an unknown expectation', `${HEAD}Expect: cake\r\n\r\n`, [417]],
  ['the last request', `${HEAD}Connection: close\r\n\r\n`, [200]],
  ['a request while the gateway leaves', PLAIN, [200]],
])('gateway reads on after its last response, so that the client gets it: %s', async (what, bytes, statuses) => {
  const service = await startServer((_request, response) => response.end('ok'));
  const { app, port } = await startGateway({ patients: [service.url] });
  if (what.endsWith('leaves')) startDraining(app);
  const accepted = once(app.server, 'connection');
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const failures: Error[] = [];
  client.on('error', (error) => failures.push(error));
  onTestFinished(() => void client.destroy());
  client.write(bytes);
  const [socket]: Socket[] = await accepted;
  if (!socket) throw new Error('no connection was accepted');
  await expect.poll(() => socket.writableFinished).toBe(true);
  expect(socket.destroyed).toBe(false);
  client.write(MORE);
  await expect.poll(() => socket.bytesRead).toBe(bytes.length + MORE.length);
  let received = '';
  client.on('data', (piece: Buffer) => {
    received += piece.toString('latin1');
  });
  await once(client, 'end');
  expect(statusesIn(received)).toEqual(statuses);
  client.end();
  await expect.poll(() => socket.closed).toBe(true);
  expect(failures).toEqual([]);
});

test('gateway reads on after a refusal of which the body cannot be read', async () => {
  const { app, port } = await startGateway();
  const accepted = once(app.server, 'connection');
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const failures: Error[] = [];
  client.on('error', (error) => failures.push(error));
  onTestFinished(() => void client.destroy());
  const head = 'POST /api/v1//patients HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
  client.write(head);
  const [socket]: Socket[] = await accepted;
  if (!socket) throw new Error('no connection was accepted');
  await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0);
  client.write('nonsense');
  await expect.poll(() => socket.writableFinished).toBe(true);
  client.write(MORE);
  await expect.poll(() => socket.bytesRead).toBe(head.length + 'nonsense'.length + MORE.length);
  const ended = once(client, 'end');
  let received = '';
  client.on('data', (piece: Buffer) => {
    received += piece.toString('latin1');
  });
  await ended;
  expect(statusesIn(received)).toEqual([400]);
  expect(failures).toEqual([]);
});
