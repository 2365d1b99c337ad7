import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bareApp } from '../testing.ts';

async function listening() {
  const { app } = await bareApp();
  app.post('/things', async (request) => request.body);
  onTestFinished(() => app.close());
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  return { app, port: Number(port) };
}

async function bytesFor(bytes: string): Promise<string> {
  const { port } = await listening();
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

async function responseTo(bytes: string): Promise<{ head: string; problem: unknown }> {
  const [head = '', body = ''] = (await bytesFor(bytes)).split('\r\n\r\n');
  return { head, problem: JSON.parse(body) };
}

const REQUEST_ID = /^x-request-id: [0-9a-f-]{36}\r?$/im;

describe('a request that the parser refuses', () => {
  it.each([
    ['nonsense', 'nonsense\r\n\r\n', 400],
    ['too large', `GET / HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
  ])('because it is %s gets a problem document and an id', async (_what, bytes, status) => {
    const { head, problem } = await responseTo(bytes);
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toMatch(REQUEST_ID);
    expect(problem).toMatchObject({ status, code: 'invalid-request' });
  });

  it('gets its response on a connection that was used before', async () => {
    const { port } = await listening();
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
    const [first] = await once(socket, 'data');
    expect(String(first)).toContain('HTTP/1.1 200 ');
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(100_000)}\r\n\r\n`);
    expect(await text(socket)).toContain('HTTP/1.1 431 ');
  });

  it('gets its response after those that came before it', async () => {
    const { app } = await bareApp();
    onTestFinished(() => app.close());
    const held = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    app.get('/held', async () => {
      arrived.resolve();
      await held.promise;
      return 'held';
    });
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const unreadable = once(app.server, 'clientError');
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET /held HTTP/1.1\r\nhost: x\r\n\r\nGET /info HTTP/1.1\r\nhost: x\r\n\r\nnonsense\r\n\r\n');
    await Promise.all([arrived.promise, unreadable]);
    held.resolve();
    expect((await text(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400']);
  });

  it('gets its response when its sender has 100 Continue already', async () => {
    const response = await bytesFor(
      'POST /things HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\nnonsense',
    );
    expect(response.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 400']);
  });

  it('holds no socket here, although its sender keeps its own half open', async () => {
    const { app, port } = await listening();
    const accepted = once(app.server, 'connection');
    const sender = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void sender.destroy());
    sender.write('nonsense\r\n\r\n');
    const [socket]: Socket[] = await accepted;
    sender.resume();
    await once(sender, 'end');
    expect(sender.writable).toBe(true);
    if (!socket?.closed) await once(socket ?? sender, 'close');
    expect(socket?.closed).toBe(true);
  });
});

describe('a request', () => {
  it('for a tunnel is refused with a problem document and an id', async () => {
    const { head, problem } = await responseTo('CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n');
    expect(head).toContain('HTTP/1.1 400 ');
    expect(head).toMatch(REQUEST_ID);
    expect(problem).toMatchObject({ code: 'invalid-request' });
  });

  it('without the Host that HTTP/1.1 needs gets a problem document and an id', async () => {
    const { head, problem } = await responseTo('GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n');
    expect(head).toContain('HTTP/1.1 400 ');
    expect(head).toMatch(REQUEST_ID);
    expect(problem).toMatchObject({ code: 'invalid-request', instance: '/health/live' });
  });

  it('of HTTP/1.0 needs no Host', async () => {
    const { head } = await responseTo('GET /health/live HTTP/1.0\r\n\r\n');
    expect(head).toContain('HTTP/1.1 200 ');
  });

  it('with an unknown expectation gets 417 without its query, and the connection ends', async () => {
    const { head, problem } = await responseTo(
      'POST /things?q=Silva HTTP/1.1\r\nhost: x\r\nexpect: foo\r\ncontent-length: 2\r\n\r\n{}',
    );
    expect(head).toContain('HTTP/1.1 417 ');
    expect(head).toMatch(REQUEST_ID);
    expect(head.toLowerCase()).toContain('connection: close');
    expect(problem).toMatchObject({ status: 417, code: 'invalid-request', instance: '/things' });
  });
});
