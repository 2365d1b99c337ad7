import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { bareApp } from '../testing.ts';

/** More than one read of a connection. */
const MORE = 'x'.repeat(1024 * 1024);
const UPLOAD = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const HEAD = 'GET /things HTTP/1.1\r\nhost: x\r\n';

it.each([
  ['a head that is too large', `${HEAD}x-large: ${'x'.repeat(27_000)}`, [431]],
  ['nonsense', 'nonsense\r\n\r\n', [400]],
  ['nonsense after a request', `${HEAD}\r\nnonsense\r\n\r\n`, [200, 400]],
  ['nonsense after the last request', `${HEAD}connection: close\r\n\r\nnonsense\r\n\r\n`, [200]],
  ['CONNECT', 'CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n', [400]],
  ['an unknown expectation', `${HEAD}expect: cake\r\n\r\n`, [417]],
  ['a body that is too large and does not end', `${UPLOAD}content-length: 2000000\r\n\r\n{`, [413]],
  ['the last request', `${HEAD}connection: close\r\n\r\n`, [200]],
  ['the last request, with a body', `${HEAD}connection: close\r\ncontent-length: 2000000\r\n\r\n{`, [200]],
])('a service reads on after its last response, so that the client gets it: %s', async (_what, bytes, statuses) => {
  const { app } = await bareApp();
  app.get('/things', async () => 'here');
  app.post('/things', async () => 'done');
  onTestFinished(() => app.close());
  const accepted = once(app.server, 'connection');
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const failures: Error[] = [];
  client.on('error', (error) => failures.push(error));
  onTestFinished(() => void client.destroy());
  client.write(bytes);
  const [socket]: Socket[] = await accepted;
  if (!socket) throw new Error('no connection was accepted');
  await expect.poll(() => socket.writableFinished, { timeout: 10_000 }).toBe(true);
  expect(socket.destroyed).toBe(false);
  client.write(MORE);
  await expect.poll(() => socket.bytesRead).toBe(bytes.length + MORE.length);
  // What follows the last response is not a request.
  let received = '';
  client.on('data', (piece: Buffer) => {
    received += piece.toString('latin1');
  });
  await once(client, 'end');
  expect([...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))).toEqual(statuses);
  client.end();
  await expect.poll(() => socket.closed).toBe(true);
  expect(failures).toEqual([]);
});

it('a service closes a connection after its last response when the client does not', async () => {
  const { app } = await bareApp();
  onTestFinished(() => app.close());
  const accepted = once(app.server, 'connection');
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
  onTestFinished(() => void client.destroy());
  const dripping = setInterval(() => client.write('x'), 10);
  onTestFinished(() => clearInterval(dripping));
  client.write('GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  const [socket]: Socket[] = await accepted;
  if (!socket) throw new Error('no connection was accepted');
  await once(socket, 'close');
  expect(client.writable).toBe(true);
});
