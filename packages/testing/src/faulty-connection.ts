/** One connection through a fault proxy: a socket of the client, one of the server, and the bytes between them. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';

/** A direction that delays more bytes than this reads no further ones. */
const MAX_DELAYED_BYTES = 1024 * 1024;
const CORRUPT_BYTES = 48;
/** Lets the bytes arrive before the connection ends. */
const CUT_DELAY_MILLIS = 30;

/** What is lost: the bytes of a client before they reach the server, or the response to them. */
export type Loss = 'request' | 'response';

/** The faults that last until the proxy is healed. All connections of a proxy share them. */
export interface LastingFaults {
  stalls: boolean;
  dropsResponses: boolean;
  delayMillis: number;
  /** Decides for each chunk of a client. */
  chooseLoss: (bytes: Buffer) => Loss | undefined;
}

export const noFaults = (): LastingFaults => ({
  stalls: false,
  dropsResponses: false,
  delayMillis: 0,
  chooseLoss: () => undefined,
});

/** Forwards the bytes of one direction, and then their end. */
class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: LastingFaults;
  /** The delayed chunks in order, each with its due time. */
  readonly #held: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `accepts` returns whether a chunk is forwarded. */
  constructor(from: Socket, to: Socket, faults: LastingFaults, accepts: (chunk: Buffer) => boolean) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    // A listener would start a socket that is not paused.
    from.pause();
    from.on('data', (chunk: Buffer) => {
      if (accepts(chunk)) this.#take(chunk);
    });
    from.on('end', () => this.advance());
    to.on('drain', () => this.advance());
    to.on('close', () => clearTimeout(this.#timer));
    this.advance();
  }

  #take(chunk: Buffer): void {
    const { stalls, delayMillis } = this.#faults;
    // No chunk overtakes delayed ones.
    if (!stalls && delayMillis === 0 && this.#held.length === 0) {
      this.#write(chunk);
    } else {
      this.#held.push({ chunk, dueAt: performance.now() + delayMillis });
      this.#heldBytes += chunk.length;
    }
    this.advance();
  }

  #write(chunk: Buffer): void {
    if (this.#to.writable) this.#to.write(chunk);
  }

  /** Writes the chunks that are due, and reads more unless a fault or a slow reader prevents it. */
  advance(): void {
    clearTimeout(this.#timer);
    if (this.#to.destroyed) return;
    if (this.#faults.stalls) {
      this.#from.pause();
      return;
    }
    const now = performance.now();
    for (let first = this.#held[0]; first && first.dueAt <= now; first = this.#held[0]) {
      this.#held.shift();
      this.#heldBytes -= first.chunk.length;
      this.#write(first.chunk);
    }
    const [next] = this.#held;
    if (next) this.#timer = setTimeout(() => this.advance(), next.dueAt - now);
    else if (this.#from.readableEnded) this.#to.end();
    if (this.#to.writableNeedDrain || this.#heldBytes > MAX_DELAYED_BYTES) this.#from.pause();
    else this.#from.resume();
  }
}

/** Resets the connection of a socket, so that its program sees an error and no orderly end. */
function reset(socket: Socket): void {
  // Node cannot reset a socket that connects, or whose end is being sent.
  const isResettable = !socket.connecting && socket.writableEnded === socket.writableFinished;
  if (isResettable) socket.resetAndDestroy();
  else socket.destroy();
}

export class FaultyConnection {
  readonly #sockets: readonly [client: Socket, server: Socket];
  readonly #directions: readonly Direction[];
  #losesResponse = false;
  #cutTimer: NodeJS.Timeout | undefined;

  /** Both sockets have to allow half-open connections. Calls `onClose` once, when both are closed. */
  constructor(client: Socket, server: Socket, faults: LastingFaults, onClose: () => void) {
    this.#sockets = [client, server];
    let open = this.#sockets.length;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      // The error reaches the other program as the end of its connection.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open -= 1;
        if (open > 0) return;
        clearTimeout(this.#cutTimer);
        onClose();
      });
    }
    this.#directions = [
      new Direction(client, server, faults, (chunk) => this.#acceptsRequest(faults.chooseLoss(chunk))),
      new Direction(server, client, faults, () => this.#acceptsResponse(faults.dropsResponses)),
    ];
  }

  #acceptsRequest(loss: Loss | undefined): boolean {
    if (loss === 'response') this.#losesResponse = true;
    if (loss === 'request') this.cut();
    return loss !== 'request';
  }

  #acceptsResponse(dropsResponses: boolean): boolean {
    if (this.#losesResponse) this.cut();
    return !this.#losesResponse && !dropsResponses;
  }

  /** Continues after a change of the faults. */
  advance(): void {
    for (const direction of this.#directions) direction.advance();
  }

  /** Ends the connection immediately, in the middle of its data. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  /** Inserts meaningless bytes in both directions, and ends the connection. */
  corrupt(): void {
    for (const socket of this.#sockets) if (socket.writable) socket.write(randomBytes(CORRUPT_BYTES));
    this.#cutTimer ??= setTimeout(() => this.cut(), CUT_DELAY_MILLIS);
  }
}
