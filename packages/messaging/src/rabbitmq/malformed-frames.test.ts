/** A peer that sends malformed frames at each point of the handshake costs a connection, and not the process. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { readableLog } from '../testing.ts';
import { createRabbitBus } from './bus.ts';

const FRAME_END = 0xce;
const GARBAGE = Buffer.from('\u00ff\u00ee\u0091\u0038meaningless bytes', 'latin1');

function method(classId: number, methodId: number, fields: Buffer): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(4 + fields.length, 3);
  head.writeUInt16BE(classId, 7);
  head.writeUInt16BE(methodId, 9);
  return Buffer.concat([head, fields, Buffer.from([FRAME_END])]);
}

const longString = (text: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
};

const START = method(
  10,
  10,
  Buffer.concat([Buffer.from([0, 9, 0, 0, 0, 0]), longString('PLAIN'), longString('en_US')]),
);
const TUNE = method(10, 30, Buffer.from([0x07, 0xff, 0x00, 0x02, 0x00, 0x00, 0x00, 0x0a]));
const OPEN_OK = method(10, 41, Buffer.from([0]));
/** The method that the client sends before each response of the broker. */
const START_OK = Buffer.from([0, 10, 0, 11]);
const OPEN = Buffer.from([0, 10, 0, 40]);

/** Inserts garbage into a response of the handshake, and sends both at once. */
function damaged(response: Buffer, offset: number): Buffer {
  return Buffer.concat([response.subarray(0, offset), GARBAGE, response.subarray(offset)]);
}

const REPLIES = { start: START, tune: TUNE, 'open-ok': OPEN_OK } as const;
type Reply = keyof typeof REPLIES;

/** Starts a peer that speaks the handshake with one damaged reply. Returns its port and how many clients it had. */
async function startPeer(reply: Reply, offset: number) {
  let clients = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    clients += 1;
    sockets.add(socket);
    const received: Buffer[] = [];
    const send = (name: Reply) => socket.write(name === reply ? damaged(REPLIES[name], offset) : REPLIES[name]);
    const waiting: [Buffer, Reply][] = [
      [Buffer.from('AMQP'), 'start'],
      [START_OK, 'tune'],
      [OPEN, 'open-ok'],
    ];
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      const [next] = waiting;
      if (!next || !Buffer.concat(received).includes(next[0])) return;
      waiting.shift();
      send(next[1]);
    });
    socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { port, clients: () => clients };
}

function startBus(port: number) {
  const { logger, lines } = readableLog();
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const bus = createRabbitBus({ url, name: 'test', logger, consumers: new Map(), namespace: 'test' });
  onTestFinished(() => bus.close());
  return lines;
}

it.each(Object.keys(REPLIES) as Reply[])('a link reconnects after malformed bytes anywhere in %s', async (reply) => {
  const offsets = [0, 3, 7, 11, REPLIES[reply].length];
  const peers = await Promise.all(offsets.map((offset) => startPeer(reply, offset)));
  const logs = peers.map(({ port }) => startBus(port));
  // A bus has two links. A third client is a link that reconnected, in a process that did not end.
  await vi.waitFor(() => expect(Math.min(...peers.map(({ clients }) => clients()))).toBeGreaterThan(2), {
    timeout: 20_000,
  });
  for (const lines of logs) expect(lines.join('\n')).toContain('broker disconnected; reconnecting');
});
