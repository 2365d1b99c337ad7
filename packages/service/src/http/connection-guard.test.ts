import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { bareApp, readableLog } from '../testing.ts';
import { guarded, logContainedFailures, onContainedFailure, socketOf } from './connection-guard.ts';

const failing = () => {
  throw Object.assign(new TypeError('of Maria Silva'), { code: 'ERR_OF_OURS' });
};

const failOn = (_request: IncomingMessage) => failing();

it('a listener that throws closes its connection and leaves the others', async () => {
  const { app } = await bareApp();
  onTestFinished(() => app.close());
  const failures: unknown[] = [];
  onTestFinished(onContainedFailure((failure) => failures.push(failure)));
  app.server.prependListener('connect', guarded(socketOf, failOn));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  socket.write('CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(await text(socket)).toBe('');
  expect(failures).toMatchObject([{ code: 'ERR_OF_OURS' }]);
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
});

it('the log names kind, code and place of a contained failure, but not its text', () => {
  const { logger, lines } = readableLog();
  onTestFinished(logContainedFailures(logger));
  let isClosed = false;
  const connection = {
    destroy() {
      isClosed = true;
    },
  };
  expect(guarded(connection, failing)()).toBeUndefined();
  expect(isClosed).toBe(true);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    type: 'TypeError',
    code: 'ERR_OF_OURS',
    stack: expect.stringContaining('connection-guard'),
  });
  expect(lines[0]).not.toContain('Silva');
});

it('a service keeps serving when a client sends CONNECT behind pending requests and resets the connection', async () => {
  const { app } = await bareApp();
  onTestFinished(() => app.close());
  const held = Promise.withResolvers<string>();
  let closed = 0;
  app.get('/held', (_request, reply) => {
    reply.raw.once('close', () => {
      closed += 1;
    });
    return held.promise;
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const handed = once(app.server, 'connect');
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  socket.write(`${'GET /held HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2)}CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n`);
  await handed;
  socket.resetAndDestroy();
  await expect.poll(() => closed).toBe(2);
  held.resolve('');
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
});

it('bytes that cannot be read, in many pieces behind a pending request, are refused once', async () => {
  const { app } = await bareApp();
  onTestFinished(() => app.close());
  const held = Promise.withResolvers<string>();
  app.get('/held', () => held.promise);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  let reports = 0;
  app.server.on('clientError', () => {
    reports += 1;
  });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const received = text(socket);
  socket.write('GET /held HTTP/1.1\r\nhost: x\r\n\r\nnonsense\r\n\r\n');
  const pieces = setInterval(() => socket.write('more nonsense\r\n\r\n'), 5);
  onTestFinished(() => clearInterval(pieces));
  await expect.poll(() => reports).toBeGreaterThan(3);
  clearInterval(pieces);
  held.resolve('');
  expect((await received).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
});
