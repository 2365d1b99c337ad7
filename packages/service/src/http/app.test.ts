import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { bareApp } from '../testing.ts';

describe('an application that closes', () => {
  it('still responds on a connection that is in use, and closes it after that response', async () => {
    const { app } = await bareApp();
    const held = Promise.withResolvers<void>();
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    app.get('/first', async () => {
      first.resolve();
      await held.promise;
      return 'one';
    });
    app.get('/second', async () => {
      second.resolve();
      return 'two';
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const all = text(socket);
    socket.write('GET /first HTTP/1.1\r\nhost: x\r\n\r\n');
    await first.promise;
    const closed = app.close();
    // From here on the server accepts no connections, while the first response is still pending.
    await expect.poll(() => app.server.listening).toBe(false);
    socket.write('GET /second HTTP/1.1\r\nhost: x\r\n\r\n');
    await second.promise;
    held.resolve();
    const [, response = ''] = (await all).split('one');
    expect(response).toContain('HTTP/1.1 200 OK');
    expect(response.toLowerCase()).toContain('connection: close');
    expect(response).toContain('two');
    await closed;
  });
});

describe('a handler that is late', () => {
  it('is logged without the requested address, which may hold a name', async () => {
    const { app, lines } = await bareApp();
    const responded = Promise.withResolvers<void>();
    app.get('/slow', { handlerTimeout: 20 }, async (_request, reply) => {
      await responded.promise;
      return reply.send('late');
    });
    const response = await app.inject('/slow?q=Silva');
    expect(response.statusCode).toBe(504);
    responded.resolve();
    await vi.waitFor(() => expect(lines.join()).toContain('FST_ERR_REP_ALREADY_SENT'));
    expect(lines.join()).not.toContain('Silva');
  });
});

describe('a body that does not come', () => {
  it('is a fault of its sender', async () => {
    const { app } = await bareApp();
    app.post('/things', { handlerTimeout: 20 }, async () => 'whole');
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(
      'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\nhalf',
    );
    const response = await text(socket);
    expect(response).toContain('HTTP/1.1 408 ');
    expect(response).toContain('"code":"request-timeout"');
    await app.close();
  });
});

describe('a body that is not UTF-8', () => {
  it.each([
    ['a byte that begins nothing', Buffer.from([0xff])],
    ['half a pair of surrogates', Buffer.from([0xed, 0xa0, 0x80])],
    ['a letter in more bytes than it needs', Buffer.from([0xc0, 0xaf])],
  ])('because of %s is refused, not mended', async (_what, bytes) => {
    const { app } = await bareApp();
    app.post('/things', async (request) => request.body);
    const payload = Buffer.concat([Buffer.from('{"name":"'), bytes, Buffer.from('"}')]);
    const headers = { 'content-type': 'application/json' };
    const response = await app.inject({ method: 'POST', url: '/things', headers, payload });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'malformed-body' });
  });
});

describe('what is logged of a request', () => {
  const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
  const headers = { 'x-request-id': 'mine', traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` };

  it.each(['/logged', '/failing'])('at %s names the request and its trace', async (url) => {
    const { app, lines } = await bareApp();
    app.get('/logged', async (request) => {
      request.log.info('a line');
      return request.trace.traceId;
    });
    app.get('/failing', async () => {
      throw new TypeError('wrong turn');
    });
    await app.inject({ url, headers });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ requestId: 'mine', traceId: TRACE_ID });
  });

  it('names the trace of the response when the request brought none', async () => {
    const { app, lines } = await bareApp();
    app.get('/failing', async () => {
      throw new TypeError('wrong turn');
    });
    const { traceId } = (await app.inject('/failing')).json<{ traceId: string }>();
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ traceId });
  });
});
