import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { bareApp } from '../testing.ts';

const statusesIn = (received: string) =>
  [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

it('a service sends the pending responses before a rejected request whose body does not come', async () => {
  const { app } = await bareApp();
  onTestFinished(() => app.close());
  const [arrived, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  app.post('/held', async () => 'held');
  app.get('/held', async () => {
    arrived.resolve();
    await held.promise;
    return 'held';
  });
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
  const upload = 'POST /held HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{';
  const socket = connect(port, '127.0.0.1');
  const received = text(socket);
  socket.write(`GET /held HTTP/1.1\r\nhost: x\r\n\r\n${upload}`);
  await arrived.promise;
  // The service closes this connection when its body times out, which began later than that of the other connection.
  const later = connect(port, '127.0.0.1');
  later.write(upload);
  expect(statusesIn(await text(later))).toEqual([413]);
  held.resolve();
  expect(statusesIn(await received)).toEqual([200, 413]);
});
