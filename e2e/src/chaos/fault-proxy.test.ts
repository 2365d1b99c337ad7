import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FaultProxy, PROXIES_HOST, SERVERS_HOST, startFaultProxy } from './fault-proxy.ts';
import { freePorts } from './ports.ts';

interface Conversation {
  readonly client: Socket;
  /** Returns the bytes that the server received. */
  received(): string;
  /** Returns the bytes that the client received. */
  returned(): string;
}

/** Resolves when the connection closes in any way. */
const closeOf = (client: Socket): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()));

/** Starts an echo server behind a fault proxy. */
async function startEcho(): Promise<{ proxy: FaultProxy; converse: () => Promise<Conversation> }> {
  const [port = 0] = await freePorts(1);
  let received = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      socket.write(chunk);
    });
  });
  server.listen(port, SERVERS_HOST);
  await once(server, 'listening');
  const proxy = await startFaultProxy('echo', port);
  onTestFinished(async () => {
    await proxy.close();
    server.close();
  });
  const converse = async () => {
    const client = connect({ host: PROXIES_HOST, port });
    client.on('error', () => undefined);
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');
    let returned = '';
    client.on('data', (chunk) => {
      returned += chunk.toString('latin1');
    });
    return { client, received: () => received, returned: () => returned };
  };
  return { proxy, converse };
}

// Needs another loopback address, which only Linux has by default.
describe.skipIf(process.platform !== 'linux')('a fault proxy', () => {
  it('forwards the bytes of both sides', async () => {
    const { converse } = await startEcho();
    const { client, returned } = await converse();
    client.write('hello');
    await expect.poll(returned).toBe('hello');
  });

  it('drops responses but not requests, and cuts the connections that miss some when it is healed', async () => {
    const { proxy, converse } = await startEcho();
    const { client, received, returned } = await converse();
    proxy.dropResponses();
    client.write('hello');
    await expect.poll(received).toBe('hello');
    const closed = closeOf(client);
    await proxy.heal();
    await closed;
    expect(returned()).toBe('');
    const next = await converse();
    next.client.write('again');
    await expect.poll(next.returned).toBe('again');
  });

  it('delays without changing the order', async () => {
    const { proxy, converse } = await startEcho();
    const { client, received, returned } = await converse();
    proxy.delay();
    client.write('one ');
    await expect.poll(received).toBe('one ');
    // The response is still under way.
    await proxy.heal();
    client.write('two');
    await expect.poll(returned).toBe('one two');
  });

  it('garbles both ways and cuts', async () => {
    const { proxy, converse } = await startEcho();
    const { client, received, returned } = await converse();
    client.write('hello');
    await expect.poll(returned).toBe('hello');
    const closed = closeOf(client);
    proxy.corrupt();
    await closed;
    await expect.poll(() => received().length).toBeGreaterThan(5);
    expect(returned().length).toBeGreaterThan(5);
  });

  it('accepts no connection while it is away', async () => {
    const { proxy, converse } = await startEcho();
    const { client } = await converse();
    const closed = closeOf(client);
    await proxy.takeDown();
    await closed;
    await expect(converse()).rejects.toThrow('ECONNREFUSED');
    await proxy.heal();
    await converse();
  });
});
