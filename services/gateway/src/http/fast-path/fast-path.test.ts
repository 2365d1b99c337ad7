/** Checks that the fast path and node:http respond alike, also on one connection. Uses raw sockets. */
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startGateway, startServer } from '../../testing.ts';
import { FastPathServer } from './server.ts';

const PATH = '/api/v1/patients';
const get = (path = PATH, ...lines: string[]) => [`GET ${path} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');

/** Starts a client that reads as much as instructed. */
async function startClient(port: number) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  /** Removes the next response from the received bytes and returns it. */
  async function response(method = 'GET'): Promise<string> {
    const length = await vi.waitFor(() => {
      const found = responseLength(received, method);
      if (found === undefined) throw new Error(`no whole answer: ${received.slice(0, 500)}`);
      return found;
    }, WAIT);
    const whole = received.slice(0, length);
    received = received.slice(length);
    return whole;
  }
  return {
    socket,
    response,
    send: (bytes: string) => void socket.write(bytes, 'latin1'),
    async exchange(bytes: string) {
      socket.write(bytes, 'latin1');
      return await response(bytes.startsWith('HEAD') ? 'HEAD' : 'GET');
    },
    received: () => received,
    closed: () => vi.waitFor(() => expect(socket.readableEnded || socket.destroyed).toBe(true), WAIT),
  };
}

interface StubResponse {
  readonly status: number;
  readonly headers: readonly [string, string][];
  readonly pieces: readonly number[];
  readonly hasLength: boolean;
}

const WAIT = { timeout: 10_000, interval: 5 };

/** Returns undefined while the response is incomplete. */
function responseLength(text: string, method: string): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = text.slice(0, end + 4);
  if (method === 'HEAD' || / (?:204|304) /.test(head.slice(0, 14))) return head.length;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const whole = head.length + Number(length);
    return text.length >= whole ? whole : undefined;
  }
  const last = text.indexOf('0\r\n\r\n', head.length);
  return last === -1 ? undefined : last + 5;
}

/** Starts a gateway before a service, and counts the requests that node:http reads. */
async function startGatewayAndService(listener: RequestListener = (_request, response) => void response.end('ok')) {
  const upstream = await startServer(listener);
  const gateway = await startGateway({ patients: [upstream.url] });
  let slow = 0;
  gateway.app.server.on('request', () => {
    slow += 1;
  });
  return { ...gateway, upstream, readByNode: () => slow };
}

const statusOf = (response: string): number => Number(response.slice(9, 12));
const bodyOf = (response: string): string => response.slice(response.indexOf('\r\n\r\n') + 4);

test('one plain request after the other is answered without node:http', async () => {
  const { port, readByNode, upstream } = await startGatewayAndService(
    (request, response) => void response.end(request.url),
  );
  const client = await startClient(port);
  for (const path of [PATH, `${PATH}/1`, `${PATH}/2?a=b`]) expect(bodyOf(await client.exchange(get(path)))).toBe(path);
  expect(upstream.requests).toEqual([`GET ${PATH}`, `GET ${PATH}/1`, `GET ${PATH}/2?a=b`]);
  expect(readByNode()).toBe(0);
});

describe('the same request is answered alike on the fast path and by node:http', () => {
  const name = fc
    .stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/)
    .filter(
      (text) =>
        !/^(?:te|host|date|expect|upgrade|trailer|connection|keep-alive|content-length|proxy-.*|set-cookie|x-request-id)$/i.test(
          text,
        ),
    );
  const value = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e\t]{0,30}[\x21-\x7e])?$/);
  const responses = fc.record({
    status: fc.constantFrom(200, 201, 204, 206, 304, 404, 500),
    headers: fc.uniqueArray(
      fc.tuple(
        name.map((text) => `x-${text.toLowerCase()}`),
        value,
      ),
      { selector: ([text]) => text, maxLength: 4 },
    ),
    pieces: fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 3 }),
    hasLength: fc.boolean(),
  });
  const requests = fc.record({
    method: fc.constantFrom('GET', 'HEAD'),
    path: fc.stringMatching(/^(?:\/[a-z0-9][a-z0-9.~-]{0,8}){0,3}(?:\?[a-z0-9=&%"<>]{0,20})?$/),
    headers: fc.uniqueArray(fc.tuple(name, value), { selector: ([text]) => text.toLowerCase(), maxLength: 6 }),
  });

  test('whatever the client and the service say', async () => {
    let stub: StubResponse = { status: 200, headers: [], pieces: [], hasLength: false };
    let seen: unknown;
    const { port, readByNode } = await startGatewayAndService((request, response) => {
      const { traceparent: _, ...headers } = request.headers;
      seen = { method: request.method, url: request.url, headers };
      const length = stub.pieces.reduce((sum, piece) => sum + piece, 0);
      const hasLength = stub.hasLength && stub.status !== 204;
      response.writeHead(
        stub.status,
        [...stub.headers, ...(hasLength ? [['content-length', String(length)] as const] : [])].flat(),
      );
      for (const piece of stub.pieces) response.write('1'.repeat(piece));
      response.end();
    });
    const fast = await startClient(port);
    const slow = await startClient(port);
    // No route matches this request, so node:http takes the connection over.
    await slow.exchange(get('/'));
    await fc.assert(
      fc.asyncProperty(requests, responses, async (request, next) => {
        stub = next;
        const lines = ['Host: x', 'X-Request-Id: same', ...request.headers.map(([one, text]) => `${one}: ${text}`)];
        const bytes = `${request.method} ${PATH}${request.path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
        const before = readByNode();
        const one = await fast.exchange(bytes);
        expect(readByNode()).toBe(before);
        const seenThen = seen;
        const other = await slow.exchange(bytes);
        expect(readByNode()).toBe(before + 1);
        expect(seenThen).toEqual(seen);
        expect(withoutDate(one)).toEqual(withoutDate(other));
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['what no instance is there for', [], 503],
    ['what is refused because of its path', ['/%2e%2e'], 400],
  ])('%s', async (_what, [path = ''], status) => {
    const { port } = await startGateway({ patients: [] });
    const fast = await startClient(port);
    const response = await fast.exchange(get(PATH + path));
    expect(statusOf(response)).toBe(status);
    expect(response).toMatch(/^content-type: application\/problem\+json/im);
    expect(JSON.parse(bodyOf(response))).toMatchObject({ status });
  });
});

/** Removes what may differ: the date and the split into chunks. */
function withoutDate(response: string) {
  const end = response.indexOf('\r\n\r\n');
  const lines = response
    .slice(0, end)
    .split('\r\n')
    .filter((line) => !/^date:/i.test(line));
  const isChunked = lines.includes('Transfer-Encoding: chunked');
  const body = response.slice(end + 4);
  return { first: lines[0], headers: lines.slice(1).sort(), body: isChunked ? joined(body) : body };
}

function joined(chunks: string): string {
  let body = '';
  for (let at = 0; ; ) {
    const end = chunks.indexOf('\r\n', at);
    const size = Number.parseInt(chunks.slice(at, end), 16);
    if (!(size > 0)) return body;
    body += chunks.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

describe('a connection goes over to node:http', () => {
  test('with a request that has a body, and stays there', async () => {
    const { port, readByNode, upstream } = await startGatewayAndService();
    const client = await startClient(port);
    await client.exchange(get());
    await client.exchange(get());
    expect(readByNode()).toBe(0);
    const post = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`;
    expect(statusOf(await client.exchange(post))).toBe(200);
    expect(statusOf(await client.exchange(get()))).toBe(200);
    expect(readByNode()).toBe(2);
    expect(upstream.requests).toEqual([`GET ${PATH}`, `GET ${PATH}`, `POST ${PATH}`, `GET ${PATH}`]);
  });

  test('with a path that no route has', async () => {
    const { port, readByNode } = await startGatewayAndService();
    const client = await startClient(port);
    await client.exchange(get());
    expect(statusOf(await client.exchange(get('/')))).toBe(302);
    expect(readByNode()).toBe(1);
  });

  test('with half a request, which is answered when the other half is there', async () => {
    const { port, readByNode } = await startGatewayAndService();
    const client = await startClient(port);
    await client.exchange(get());
    client.send(get().slice(0, 20));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(bodyOf(await client.exchange(get().slice(20)))).toBe('ok');
    expect(readByNode()).toBe(1);
  });

  test('with two requests at once, which are answered in their order', async () => {
    const { port, readByNode } = await startGatewayAndService((request, response) => void response.end(request.url));
    const client = await startClient(port);
    client.send(get(`${PATH}/1`) + get(`${PATH}/2`));
    expect(bodyOf(await client.response())).toBe(`${PATH}/1`);
    expect(bodyOf(await client.response())).toBe(`${PATH}/2`);
    expect(readByNode()).toBe(2);
  });

  test('with a request that comes before the answer to the one before, after that answer', async () => {
    const waiting = Promise.withResolvers<void>();
    const { port, readByNode, upstream } = await startGatewayAndService(async (request, response) => {
      if (request.url?.endsWith('1')) await waiting.promise;
      response.end(request.url);
    });
    const client = await startClient(port);
    client.send(get(`${PATH}/1`));
    await vi.waitFor(() => expect(upstream.requests).toHaveLength(1), WAIT);
    client.send(get(`${PATH}/2`));
    client.send(get(`${PATH}/3`));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(upstream.requests).toHaveLength(1);
    waiting.resolve();
    expect(bodyOf(await client.response())).toBe(`${PATH}/1`);
    expect(bodyOf(await client.response())).toBe(`${PATH}/2`);
    expect(bodyOf(await client.response())).toBe(`${PATH}/3`);
    expect(readByNode()).toBe(2);
  });
});

describe('on the fast path', () => {
  test.each([
    ['a HEAD', 'HEAD', 200],
    ['a 304', 'GET', 304],
    ['a 204', 'GET', 204],
  ])('the answer to %s has no body, and the next one comes after it', async (_what, method, status) => {
    const { port, readByNode } = await startGatewayAndService((request, response) => {
      if (request.url === PATH) response.writeHead(status).end('body');
      else response.end('next');
    });
    const client = await startClient(port);
    const response = await client.exchange(get().replace('GET', method));
    expect(statusOf(response)).toBe(status);
    expect(bodyOf(response)).toBe('');
    expect(bodyOf(await client.exchange(get(`${PATH}/1`)))).toBe('next');
    expect(readByNode()).toBe(0);
  });

  test('an answer of which the length is not known comes in chunks, each at once', async () => {
    const more = Promise.withResolvers<void>();
    const { port } = await startGatewayAndService(async (_request, response) => {
      response.write('one');
      await more.promise;
      response.end('two');
    });
    const client = await startClient(port);
    client.send(get());
    await vi.waitFor(() => expect(client.received()).toContain('\r\n\r\n3\r\none\r\n'), WAIT);
    more.resolve();
    expect(bodyOf(await client.response())).toBe('3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n');
  });

  test('the head of an answer goes out before there is a body', async () => {
    const more = Promise.withResolvers<void>();
    const { port } = await startGatewayAndService(async (_request, response) => {
      response.writeHead(200, { 'content-length': 2 }).flushHeaders();
      await more.promise;
      response.end('ok');
    });
    const client = await startClient(port);
    client.send(get());
    await vi.waitFor(() => expect(client.received()).toContain('\r\n\r\n'), WAIT);
    more.resolve();
    expect(bodyOf(await client.response())).toBe('ok');
  });

  test('a large answer waits for a client that reads slowly, and is whole', async () => {
    const size = 64 * 1024 * 1024;
    const piece = Buffer.alloc(64 * 1024, 'a');
    let sent = 0;
    const { port } = await startGatewayAndService((_request, response) => {
      response.writeHead(200, { 'content-length': size });
      const send = () => {
        while (sent < size) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', send);
        }
        response.end();
      };
      send();
    });
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let received = 0;
    socket.pause().on('data', (chunk) => {
      received += chunk.length;
    });
    socket.pause();
    socket.write(get());
    let last = -1;
    await vi.waitFor(
      () => {
        const before = last;
        last = sent;
        expect(sent).toBeGreaterThan(0);
        expect(sent).toBe(before);
      },
      { timeout: 10_000, interval: 200 },
    );
    expect(sent).toBeLessThan(size);
    socket.resume();
    await vi.waitFor(() => expect(received).toBeGreaterThan(size), { timeout: 20_000, interval: 20 });
    expect(sent).toBe(size);
  });

  test('an answer that breaks off breaks the connection off', async () => {
    const { port } = await startGatewayAndService((_request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy());
    });
    const client = await startClient(port);
    client.send(get());
    await client.closed();
    expect(bodyOf(client.received())).toBe('half');
  });

  test('nobody goes on for a client that is gone', async () => {
    const gone = Promise.withResolvers<void>();
    const { port, upstream, app } = await startGatewayAndService(
      (_request, response) => void response.on('close', gone.resolve),
    );
    const client = await startClient(port);
    client.send(get());
    await vi.waitFor(() => expect(upstream.requests).toHaveLength(1), WAIT);
    client.socket.destroy();
    await gone.promise;
    const { body } = await app.inject('/metrics');
    expect(body).toMatch(
      /gateway_request_duration_seconds_count\{route="patients",outcome="client-closed-request",status="499"\} 1/,
    );
  });

  test('a client that will send nothing more is gone, as it is to node:http', async () => {
    const gone = Promise.withResolvers<void>();
    const { port } = await startGatewayAndService((_request, response) => void response.on('close', gone.resolve));
    const client = await startClient(port);
    client.socket.end(get());
    await client.closed();
    await gone.promise;
    expect(client.received()).toBe('');
  });
});

describe('when the gateway closes', () => {
  test('an idle connection is closed', async () => {
    const { port, app } = await startGatewayAndService();
    const client = await startClient(port);
    await client.exchange(get());
    const closing = app.close();
    await client.closed();
    await closing;
  });

  test('an answer that is under way gets to its end, and is the last one there', async () => {
    const waiting = Promise.withResolvers<void>();
    const { port, app, upstream } = await startGatewayAndService(async (_request, response) => {
      await waiting.promise;
      response.end('ok');
    });
    const client = await startClient(port);
    client.send(get());
    await vi.waitFor(() => expect(upstream.requests).toHaveLength(1), WAIT);
    const closing = app.close();
    await vi.waitFor(() => expect(app.server.listening).toBe(false), WAIT);
    waiting.resolve();
    const response = await client.response();
    expect(response).toMatch(/^connection: close\r$/m);
    expect(bodyOf(response)).toBe('ok');
    await client.closed();
    await closing;
  });

  test('what does not end can be cut off', async () => {
    const { port, app, upstream } = await startGatewayAndService(() => undefined);
    const client = await startClient(port);
    client.send(get());
    await vi.waitFor(() => expect(upstream.requests).toHaveLength(1), WAIT);
    const closing = app.close();
    app.server.closeAllConnections();
    await client.closed();
    await closing;
  });
});

test('a connection is closed when nothing was asked on it for long enough', async () => {
  const server = new FastPathServer({}, () => undefined, {
    keepAliveMillis: 50,
    requestMillis: 10_000,
    checkMillis: 10,
    tryHandle(_request, response) {
      response.writeHead(200, ['content-length', '0']);
      response.end();
      return true;
    },
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const client = await startClient(address.port);
  await client.exchange(get());
  await client.closed();
});
