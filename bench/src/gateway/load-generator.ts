/**
 * The client of the gateway's bench, as its own process. It repeats one GET over persistent connections.
 * It parses only enough to find the end of a response, which leaves most of the CPU to the gateway.
 *
 * `node load-generator.ts PORT PATH CONNECTIONS SECONDS RATE AUTHORIZATION`, where a rate of 0 means as fast as responses arrive.
 * With a rate, each request has a due time, and is sent then or when a connection becomes free.
 * The time of a success counts from the due time.
 * The time of a rejection counts from the sending, because the wait for a connection is not part of the rejection.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface LoadResult {
  readonly seconds: number;
  /** Responses by status. */
  readonly countsByStatus: Readonly<Record<string, number>>;
  /** Milliseconds of the responses with status 200 and of the others, sorted. */
  readonly successMillis: readonly number[];
  readonly rejectedMillis: readonly number[];
  /** Connections that ended before the end of the run. */
  readonly broken: number;
}

const [, , ...texts] = process.argv;
const [path = '/', authorization = ''] = [texts[1], texts[5]];
const [port = 0, , connections = 1, seconds = 1, rate = 0] = texts.map(Number);

const REQUEST = Buffer.from(
  [
    ...[`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Accept: application/json'],
    ...[`Authorization: ${authorization}`, '', ''],
  ].join('\r\n'),
);
const HEADERS_END = Buffer.from('\r\n\r\n');

const countsByStatus: Record<string, number> = {};
const successMillis: number[] = [];
const rejectedMillis: number[] = [];
/** The due times of the requests that have no connection yet. */
const due: number[] = [];
const free: Connection[] = [];
let broken = 0;
let over = false;

class Connection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #dueAt = 0;
  #sentAt = 0;

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (!over) broken += 1;
    });
  }

  send(dueAt: number): void {
    this.#dueAt = dueAt;
    this.#sentAt = performance.now();
    this.#socket.write(REQUEST);
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf(HEADERS_END);
    if (end === -1) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + HEADERS_END.length + length) return;
    this.#received = Buffer.alloc(0);
    this.#count(head.slice(9, 12));
  }

  #count(status: string): void {
    const now = performance.now();
    countsByStatus[status] = (countsByStatus[status] ?? 0) + 1;
    if (status === '200') successMillis.push(now - this.#dueAt);
    else rejectedMillis.push(now - this.#sentAt);
    if (over) this.#socket.destroy();
    else if (rate === 0) this.send(now);
    else {
      const next = due.shift();
      if (next === undefined) free.push(this);
      else this.send(next);
    }
  }

  end(): void {
    this.#socket.destroy();
  }
}

const open = await Promise.all(
  Array.from({ length: connections }, async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Connection(socket);
  }),
);

const startedAt = performance.now();
let sent = 0;

function sendDueRequests(): void {
  const now = performance.now();
  for (; startedAt + (sent * 1_000) / rate <= now; sent += 1) {
    const connection = free.pop();
    if (connection) connection.send(now);
    else due.push(now);
  }
  if (now - startedAt < seconds * 1_000) setTimeout(sendDueRequests, 1);
}

if (rate === 0) for (const connection of open) connection.send(performance.now());
else {
  free.push(...open);
  sendDueRequests();
}

setTimeout(() => {
  over = true;
  const result: LoadResult = {
    seconds: (performance.now() - startedAt) / 1_000,
    countsByStatus,
    successMillis: successMillis.sort((one, other) => one - other),
    rejectedMillis: rejectedMillis.sort((one, other) => one - other),
    broken,
  };
  for (const connection of open) connection.end();
  process.stdout.write(JSON.stringify(result));
}, seconds * 1_000);
