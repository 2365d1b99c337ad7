import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Address, type FaultProxyOptions, openFaultProxy, openFaultProxyTo } from './fault-proxy.ts';

const LOOPBACK = '127.0.0.1';
/** More than the kernel buffers for two connections. */
const TOO_MANY_BYTES = 64 * 1024 * 1024;
const MANY_BYTES = 8 * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024);
const STUCK_TURNS = 100;
/** Longer than any test. */
const FOREVER_MILLIS = 600_000;

/** Starts a server that ends with the test. A listener for errors is the test's. */
async function startServer(serve: (socket: Socket) => void): Promise<Address> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined));
    serve(socket);
  }).listen(0, LOOPBACK);
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { host: LOOPBACK, port: (server.address() as AddressInfo).port };
}

const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 20_000, interval: 5 });

interface Conversation {
  readonly socket: Socket;
  /** Returns the received bytes. */
  returned(): string;
  /** Resolves with the code of the error, or with undefined after an orderly end. */
  readonly end: Promise<string | undefined>;
}

async function converse({ host, port }: Address): Promise<Conversation> {
  const socket = connect({ host, port, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const { promise: end, resolve } = Promise.withResolvers<string | undefined>();
  let returned = '';
  socket.on('data', (chunk) => {
    returned += chunk.toString('latin1');
  });
  socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  socket.on('end', () => resolve(undefined));
  return { socket, returned: () => returned, end };
}

/** Starts a server that returns what it receives, behind a fault proxy. */
async function startEcho(options: FaultProxyOptions = {}) {
  const received: string[] = [];
  /** How each connection ended, after its bytes. */
  const ends: string[] = [];
  const target = await startServer((socket) => {
    let request = '';
    socket.on('data', (chunk) => {
      request += chunk.toString('latin1');
      received.push(chunk.toString('latin1'));
      socket.write(chunk);
    });
    socket.on('end', () => {
      ends.push(`${request}: end`);
      socket.end();
    });
    socket.on('error', (error) => ends.push(`${request}: ${'code' in error ? error.code : error.message}`));
  });
  const proxy = await openFaultProxy(target, options);
  onTestFinished(() => proxy.close());
  return { target, proxy, ends, received: () => received.join(''), converse: () => converse(proxy) };
}

/** Writes until nothing more is taken. Returns the number of written bytes, at most `TOO_MANY_BYTES`. */
async function writeUntilStuck(socket: Socket): Promise<number> {
  for (let written = CHUNK.length; ; written += CHUNK.length) {
    let isTaken = false;
    socket.write(CHUNK, () => {
      isTaken = true;
    });
    // All sockets are those of this process, so a slow machine makes the turns slow, too.
    for (let turn = 0; !isTaken && turn < STUCK_TURNS; turn += 1) await sleep(turn < 10 ? 0 : 2);
    if (!isTaken || written === TOO_MANY_BYTES) return written;
  }
}

/** Exchanges some bytes without the proxy. Bytes that the proxy forwards arrive in less time. */
async function talkDirectly(target: Address): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    const { socket, returned } = await converse(target);
    socket.write('direct');
    await eventually(returned).toBe('direct');
    socket.destroy();
  }
}

describe('a fault proxy without a fault', () => {
  it('forwards bytes in both directions', async () => {
    const { proxy, received, converse } = await startEcho();
    const { socket, returned } = await converse();
    socket.write('hello');
    await eventually(returned).toBe('hello');
    expect(received()).toBe('hello');
    expect(proxy.connections).toBe(1);
  });

  it('forwards the end of one direction, and the response after it', async () => {
    const target = await startServer((socket) => {
      let request = '';
      socket.on('data', (chunk) => {
        request += chunk.toString('latin1');
      });
      socket.on('end', () => socket.end(`${request} is complete`));
    });
    await using proxy = await openFaultProxy(target);
    const { socket, returned, end } = await converse(proxy);
    socket.end('request');
    expect(await end).toBeUndefined();
    expect(returned()).toBe('request is complete');
    await eventually(() => proxy.connections).toBe(0);
  });

  it('forwards all bytes before the end to a client that reads slowly', async () => {
    const target = await startServer((socket) => socket.end(Buffer.alloc(MANY_BYTES)));
    await using proxy = await openFaultProxy(target);
    const client = connect({ host: proxy.host, port: proxy.port });
    let read = 0;
    for await (const chunk of client) {
      read += chunk.length;
    }
    expect(read).toBe(MANY_BYTES);
  });

  it('reads no more than a slow server takes', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const target = await startServer((socket) => accepted.resolve(socket.pause()));
    await using proxy = await openFaultProxy(target);
    const { socket } = await converse(proxy);
    const written = await writeUntilStuck(socket);
    expect(written).toBeLessThan(TOO_MANY_BYTES);
    const server = await accepted.promise;
    let read = 0;
    server.on('data', (chunk) => {
      read += chunk.length;
    });
    server.resume();
    await eventually(() => read).toBe(written);
  });

  it('closes the connection of a client whose server cannot be reached', async () => {
    await using proxy = await openFaultProxy({ host: LOOPBACK, port: 1 });
    const { end } = await converse(proxy);
    expect(await end).toBeUndefined();
    await eventually(() => proxy.connections).toBe(0);
  });

  it('leads new connections to another target after a change, and leaves open ones', async () => {
    const { proxy, converse } = await startEcho();
    const before = await converse();
    before.socket.write('first');
    await eventually(before.returned).toBe('first');
    proxy.target = await startServer((socket) => socket.write('other'));
    const after = await converse();
    await eventually(after.returned).toBe('other');
    before.socket.write(' second');
    await eventually(before.returned).toBe('first second');
  });

  // Only Linux has another loopback address by default.
  it.skipIf(process.platform !== 'linux')('listens on the given address, also after an outage', async () => {
    const target = await startServer((socket) => socket.write('hello'));
    await using proxy = await openFaultProxy(target, { host: '127.0.0.2', port: target.port });
    expect([proxy.host, proxy.port]).toEqual(['127.0.0.2', target.port]);
    await proxy.refuse();
    await proxy.heal();
    const { returned } = await converse({ host: '127.0.0.2', port: target.port });
    await eventually(returned).toBe('hello');
  });

  it('rejects an address that is in use', async () => {
    const { proxy, target } = await startEcho();
    await expect(openFaultProxy(target, { port: proxy.port })).rejects.toThrow('EADDRINUSE');
  });
});

describe('a URL through a fault proxy', () => {
  it('has the address of the proxy, and all else of the URL', async () => {
    const url = 'mysql://user:p%40ss@127.0.0.1:3307/name?connections=10';
    await using proxy = await openFaultProxyTo(url);
    expect(proxy.target).toEqual({ host: LOOPBACK, port: 3307 });
    expect(proxy.through(url)).toBe(`mysql://user:p%40ss@127.0.0.1:${proxy.port}/name?connections=10`);
  });

  it.each([
    ['amqp://guest:guest@127.0.0.1', 5672],
    ['mysql://root@127.0.0.1/name', 3306],
    ['http://127.0.0.1/eureka', 80],
  ])('leads to the usual port of %s', async (url, port) => {
    await using proxy = await openFaultProxyTo(url);
    expect(proxy.target.port).toBe(port);
    expect(new URL(proxy.through(url)).port).toBe(String(proxy.port));
  });

  it('is rejected without a port that is known', async () => {
    await expect(openFaultProxyTo('ldap://127.0.0.1')).rejects.toThrow('ldap:');
  });
});

describe('a fault proxy', () => {
  it('cuts all connections without an orderly end, and accepts new ones', async () => {
    const { proxy, ends, converse } = await startEcho();
    const both = [await converse(), await converse()];
    for (const { socket, returned } of both) {
      socket.write('hello');
      await eventually(returned).toBe('hello');
    }
    proxy.cut();
    expect(await Promise.all(both.map(({ end }) => end))).toEqual(['ECONNRESET', 'ECONNRESET']);
    await eventually(() => ends).toEqual(['hello: ECONNRESET', 'hello: ECONNRESET']);
    await eventually(() => proxy.connections).toBe(0);
    const { socket, returned } = await converse();
    socket.write('again');
    await eventually(returned).toBe('again');
  });

  it('cuts a connection whose client reads nothing', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const target = await startServer((socket) => {
      socket.end(Buffer.alloc(TOO_MANY_BYTES));
      accepted.resolve(socket);
    });
    await using proxy = await openFaultProxy(target);
    const { socket } = await converse(proxy);
    socket.pause();
    const server = await accepted.promise;
    await eventually(() => server.writableLength > 0 && proxy.connections).toBe(1);
    await proxy.refuse();
    await eventually(() => proxy.connections).toBe(0);
  });

  it('refuses connections until it is healed, on the same port', async () => {
    const { proxy, converse } = await startEcho();
    const { port } = proxy;
    const { end } = await converse();
    await proxy.refuse();
    expect(await end).toBe('ECONNRESET');
    await expect(converse()).rejects.toThrow('ECONNREFUSED');
    await proxy.refuse();
    await proxy.heal();
    expect(proxy.port).toBe(port);
    await converse();
  });

  it('makes simultaneous changes one after another', async () => {
    const { proxy, converse } = await startEcho();
    await Promise.all([proxy.refuse(), proxy.heal(), proxy.heal()]);
    await converse();
    await Promise.all([proxy.refuse(), proxy.heal(), proxy.refuse()]);
    await expect(converse()).rejects.toThrow('ECONNREFUSED');
  });

  it('stalls open and new connections until it is healed, with their bytes in order', async () => {
    const { proxy, target, ends, received, converse } = await startEcho();
    const open = await converse();
    open.socket.write('one');
    await eventually(open.returned).toBe('one');
    proxy.stall();
    const late = await converse();
    open.socket.end(' two');
    late.socket.write(' late');
    await talkDirectly(target);
    expect(received().replaceAll('direct', '')).toBe('one');
    expect([open.returned(), late.returned()]).toEqual(['one', '']);
    expect(ends).not.toContain('one: end');
    expect(proxy.connections).toBe(2);
    await proxy.heal();
    expect(await open.end).toBeUndefined();
    expect(open.returned()).toBe('one two');
    expect(ends).toContain('one two: end');
    await eventually(late.returned).toBe(' late');
  });

  it('cuts stalled connections, and stalls new ones', async () => {
    const { proxy, target, received, converse } = await startEcho();
    proxy.stall();
    const { socket, end } = await converse();
    socket.write('lost');
    proxy.cut();
    expect(await end).toBe('ECONNRESET');
    const next = await converse();
    next.socket.write('kept');
    await talkDirectly(target);
    expect(received().replaceAll('direct', '')).toBe('');
    await proxy.heal();
    await eventually(next.returned).toBe('kept');
  });

  it('delays bytes in both directions', async () => {
    const { proxy, converse } = await startEcho();
    const { socket, returned } = await converse();
    proxy.delay(200);
    const began = performance.now();
    socket.write('hello');
    await eventually(returned).toBe('hello');
    // A timer may be a millisecond early.
    expect(performance.now() - began).toBeGreaterThan(2 * 199 - 1);
  });

  it('lets no bytes overtake delayed ones when it is healed', async () => {
    const { proxy, target, received, converse } = await startEcho();
    const { socket, returned } = await converse();
    proxy.delay(1_000);
    const began = performance.now();
    socket.write('one ');
    await talkDirectly(target);
    await proxy.heal();
    socket.write('two');
    await eventually(() => received().replaceAll('direct', '')).toBe('one two');
    expect(performance.now() - began).toBeGreaterThan(998);
    await eventually(returned).toBe('one two');
  });

  it('delivers delayed bytes before the end of their direction', async () => {
    const target = await startServer((socket) => socket.end('last words'));
    await using proxy = await openFaultProxy(target);
    proxy.delay(100);
    const { returned, end } = await converse(proxy);
    expect(await end).toBeUndefined();
    expect(returned()).toBe('last words');
  });

  it('delays a bounded number of bytes', async () => {
    const { proxy, converse } = await startEcho();
    proxy.delay(FOREVER_MILLIS);
    const { socket } = await converse();
    expect(await writeUntilStuck(socket)).toBeLessThan(TOO_MANY_BYTES);
  });

  it('drops responses and forwards requests, and cuts all connections when it is healed', async () => {
    const { proxy, received, converse } = await startEcho();
    const { socket, returned, end } = await converse();
    proxy.dropResponses();
    socket.write('hello');
    await eventually(received).toBe('hello');
    await proxy.heal();
    expect(await end).toBe('ECONNRESET');
    expect(returned()).toBe('');
    const next = await converse();
    next.socket.write('again');
    await eventually(next.returned).toBe('again');
  });

  it('inserts bytes in both directions and cuts the connection when it corrupts', async () => {
    const { proxy, ends, received, converse } = await startEcho();
    const { socket, returned, end } = await converse();
    socket.write('hello');
    await eventually(returned).toBe('hello');
    proxy.corrupt();
    expect(await end).toBe('ECONNRESET');
    await eventually(() => ends).toEqual([expect.stringMatching(/: ECONNRESET$/)]);
    expect(received().length).toBe(5 + 48);
    expect(returned().length).toBeGreaterThanOrEqual(5 + 48);
    await converse();
  });

  it('loses a chosen request before the server receives it', async () => {
    const { proxy, received, converse } = await startEcho();
    proxy.loseWhere((bytes) => (bytes.toString('latin1') === 'commit' ? 'request' : undefined));
    const { socket, returned, end } = await converse();
    socket.write('begin ');
    await eventually(returned).toBe('begin ');
    socket.write('commit');
    expect(await end).toBe('ECONNRESET');
    expect([received(), proxy.lost]).toEqual(['begin ', 1]);
  });

  it('loses the response to a chosen request after the server received it', async () => {
    const { proxy, received, converse } = await startEcho();
    proxy.loseWhere((bytes) => (bytes.toString('latin1') === 'commit' ? 'response' : undefined));
    const { socket, returned, end } = await converse();
    socket.write('commit');
    expect(await end).toBe('ECONNRESET');
    expect([received(), returned(), proxy.lost]).toEqual(['commit', '', 1]);
    await proxy.heal();
    const next = await converse();
    next.socket.write('commit');
    await eventually(next.returned).toBe('commit');
    expect(proxy.lost).toBe(1);
  });

  it('reports an error of the function that chooses when it is closed', async () => {
    const { proxy, received, converse } = await startEcho();
    proxy.loseWhere(() => {
      throw new Error('cannot choose');
    });
    const { socket, end } = await converse();
    socket.write('hello');
    expect(await end).toBe('ECONNRESET');
    expect(received()).toBe('');
    await expect(proxy.close()).rejects.toThrow('cannot choose');
  });

  it('reports an impossible target when it is closed', async () => {
    const { proxy, converse } = await startEcho();
    proxy.target = { host: LOOPBACK, port: 70_000 };
    const { end } = await converse();
    expect(await end).toBeUndefined();
    await expect(proxy.close()).rejects.toThrow('70000');
  });

  it('drops connections above its limit, and reports them when it is closed', async () => {
    const { proxy, converse } = await startEcho({ maxConnections: 1 });
    const first = await converse();
    first.socket.write('first');
    await eventually(first.returned).toBe('first');
    const { end } = await converse();
    await end;
    first.socket.write(' again');
    await eventually(first.returned).toBe('first again');
    await expect(proxy.close()).rejects.toThrow('more than 1 connections');
  });

  it('is closed for good', async () => {
    const { proxy, converse } = await startEcho();
    const { end } = await converse();
    await proxy.close();
    expect(await end).toBe('ECONNRESET');
    await expect(proxy.heal()).rejects.toThrow('closed');
    await expect(converse()).rejects.toThrow('ECONNREFUSED');
    await proxy.refuse();
    await proxy.close();
  });
});
