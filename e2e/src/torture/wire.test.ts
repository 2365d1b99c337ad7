import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePorts } from './ports.ts';
import { SERVERS_HOST, startWire, WIRES_HOST, type Wire } from './wire.ts';

interface Conversation {
  readonly client: Socket;
  /** What the server heard. */
  heard(): string;
  /** What the client was answered. */
  told(): string;
}

/** Resolves with its end, of whatever kind it is. */
const closeOf = (client: Socket): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()));

/** A server that repeats what it hears, behind a wire. */
async function startEcho(): Promise<{ wire: Wire; converse: () => Promise<Conversation> }> {
  const [port = 0] = await freePorts(1);
  let heard = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      socket.write(chunk);
    });
  });
  server.listen(port, SERVERS_HOST);
  await once(server, 'listening');
  const wire = await startWire('echo', port);
  onTestFinished(async () => {
    await wire.close();
    server.close();
  });
  const converse = async () => {
    const client = connect({ host: WIRES_HOST, port });
    client.on('error', () => undefined);
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');
    let told = '';
    client.on('data', (chunk) => {
      told += chunk.toString('latin1');
    });
    return { client, heard: () => heard, told: () => told };
  };
  return { wire, converse };
}

// It takes another address of loopback, which only Linux has without being asked.
describe.skipIf(process.platform !== 'linux')('a wire', () => {
  it('passes on what it is given', async () => {
    const { converse } = await startEcho();
    const { client, told } = await converse();
    client.write('hello');
    await expect.poll(told).toBe('hello');
  });

  it('loses answers, not what is asked, and cuts what lacks them when it is healed', async () => {
    const { wire, converse } = await startEcho();
    const { client, heard, told } = await converse();
    wire.loseAnswers();
    client.write('hello');
    await expect.poll(heard).toBe('hello');
    const closed = closeOf(client);
    await wire.heal();
    await closed;
    expect(told()).toBe('');
    const next = await converse();
    next.client.write('again');
    await expect.poll(next.told).toBe('again');
  });

  it('delays without changing the order', async () => {
    const { wire, converse } = await startEcho();
    const { client, heard, told } = await converse();
    wire.delay();
    client.write('one ');
    await expect.poll(heard).toBe('one ');
    // Its answer is still on its way.
    await wire.heal();
    client.write('two');
    await expect.poll(told).toBe('one two');
  });

  it('garbles both ways and cuts', async () => {
    const { wire, converse } = await startEcho();
    const { client, heard, told } = await converse();
    client.write('hello');
    await expect.poll(told).toBe('hello');
    const closed = closeOf(client);
    wire.garble();
    await closed;
    await expect.poll(() => heard().length).toBeGreaterThan(5);
    expect(told().length).toBeGreaterThan(5);
  });

  it('lets nobody through while it is away', async () => {
    const { wire, converse } = await startEcho();
    const { client } = await converse();
    const closed = closeOf(client);
    await wire.away();
    await closed;
    await expect(converse()).rejects.toThrow('ECONNREFUSED');
    await wire.heal();
    await converse();
  });
});
