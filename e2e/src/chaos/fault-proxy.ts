/** A TCP proxy that injects network faults. */

import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Every server listens on the first host and is known by the second. There a proxy forwards to the same port. */
export const SERVERS_HOST = '127.0.0.1';
export const PROXIES_HOST = '127.0.0.2';

const DELAY_MILLIS = 400;
/** The most bytes that one direction of a connection delays. */
const MAX_DELAYED_BYTES = 1024 * 1024;
const CORRUPT_BYTES = 48;
/** Lets the bytes arrive before the connection ends. */
const DISCONNECT_DELAY_MILLIS = 30;

export interface FaultProxy {
  readonly name: string;
  /** Ends all connections immediately, in the middle of their data. */
  disconnect(): void;
  /** Rejects all connections until `heal`. */
  takeDown(): Promise<void>;
  /** Forwards requests and drops responses, until `heal` ends the connections that lack some. */
  dropResponses(): void;
  /** Delays all bytes, in order, until `heal`. */
  delay(): void;
  /** Inserts meaningless bytes into each connection, in both directions, and ends it. */
  corrupt(): void;
  heal(): Promise<void>;
  close(): Promise<void>;
}

interface Pair {
  readonly incoming: Socket;
  readonly outgoing: Socket;
}

export async function startFaultProxy(name: string, port: number): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let server: Server | undefined;
  let delayMillis = 0;
  let dropsResponses = false;

  function pipe(from: Socket, to: Socket, isResponse: boolean): void {
    /** The delayed chunks in order, each with its due time. */
    const held: { readonly chunk: Buffer | string; readonly dueAt: number }[] = [];
    let heldBytes = 0;
    const forward = (chunk: Buffer | string) => {
      if (!to.destroyed && !to.write(chunk)) from.pause();
    };
    const release = () => {
      const now = performance.now();
      for (let first = held[0]; first && first.dueAt <= now; first = held[0]) {
        held.shift();
        heldBytes -= first.chunk.length;
        forward(first.chunk);
      }
      if (held[0]) setTimeout(release, held[0].dueAt - now);
      else if (from.readableEnded) to.end();
      if (!to.writableNeedDrain) from.resume();
    };
    from.on('data', (chunk) => {
      if (isResponse && dropsResponses) return;
      // No chunk overtakes delayed ones.
      if (delayMillis === 0 && held.length === 0) return forward(chunk);
      held.push({ chunk, dueAt: performance.now() + delayMillis });
      heldBytes += chunk.length;
      if (heldBytes > MAX_DELAYED_BYTES) from.pause();
      if (held.length === 1) setTimeout(release, delayMillis);
    });
    to.on('drain', () => from.resume());
    from.on('end', () => {
      if (held.length === 0) to.end();
    });
    from.on('error', () => to.destroy());
  }

  function serve(incoming: Socket): void {
    const outgoing = connect({ host: SERVERS_HOST, port });
    const pair = { incoming, outgoing };
    pairs.add(pair);
    for (const socket of [incoming, outgoing]) {
      socket.setNoDelay(true);
      socket.on('close', () => {
        pairs.delete(pair);
        incoming.destroy();
        outgoing.destroy();
      });
    }
    pipe(incoming, outgoing, false);
    pipe(outgoing, incoming, true);
  }

  async function open(): Promise<void> {
    if (server) return;
    const opening = createServer(serve);
    server = opening;
    const listening = Promise.withResolvers<void>();
    opening.once('error', listening.reject);
    opening.listen(port, PROXIES_HOST, listening.resolve);
    await listening.promise;
  }

  function disconnect(): void {
    for (const { incoming, outgoing } of pairs) {
      incoming.resetAndDestroy();
      outgoing.resetAndDestroy();
    }
  }

  async function close(): Promise<void> {
    const closing = server;
    if (!closing) return;
    server = undefined;
    const closed = Promise.withResolvers<void>();
    closing.close(() => closed.resolve());
    disconnect();
    await closed.promise;
  }

  await open();
  return {
    name,
    disconnect,
    takeDown: close,
    dropResponses() {
      dropsResponses = true;
    },
    delay() {
      delayMillis = DELAY_MILLIS;
    },
    corrupt() {
      for (const { incoming, outgoing } of pairs) {
        for (const socket of [incoming, outgoing]) socket.write(randomBytes(CORRUPT_BYTES));
        setTimeout(() => {
          incoming.resetAndDestroy();
          outgoing.resetAndDestroy();
        }, DISCONNECT_DELAY_MILLIS);
      }
    },
    async heal() {
      delayMillis = 0;
      if (dropsResponses) disconnect();
      dropsResponses = false;
      await open();
    },
    close,
  };
}
