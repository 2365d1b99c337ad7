/** Forwards the body of a request to a service. Counts the bytes and stops a body that is too large. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { guarded } from '@daybook/service';
import type { BodyStream } from '../upstream/connection.ts';

export const BODY_LIMIT_BYTES = 1024 * 1024;

export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Returns the announced length of the body; undefined for a chunked body. */
export function contentLengthOf({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** Smaller chunks are not worth releasing. */
const LARGE_BYTES = 16 * 1024;

/**
 * Frees the memory of a sent chunk. Waiting for the garbage collector costs a hundred megabytes during a large upload.
 */
function releaseMemory({ buffer, byteLength }: Buffer): void {
  const ownsBuffer = byteLength >= LARGE_BYTES && byteLength === buffer.byteLength;
  if (ownsBuffer && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}

export interface BodyObserver {
  onBodyProgress(): void;
  onBodyTooLarge(): void;
}

/** Streams a body. Reads nothing before it is started. */
export class RequestBody implements BodyStream {
  readonly #request: IncomingMessage;
  readonly #observer: BodyObserver;
  readonly #limitBytes: number;
  readonly #isChunked: boolean;
  #bufferedChunks: readonly Buffer[];
  #received = 0;
  #socket: Socket | undefined;
  isSent = false;

  /** `bufferedChunks` holds the part of the body that was already read. */
  constructor(
    request: IncomingMessage,
    observer: BodyObserver,
    limitBytes: number,
    bufferedChunks: readonly Buffer[] = [],
  ) {
    this.#request = request;
    this.#observer = observer;
    this.#limitBytes = limitBytes;
    this.#isChunked = contentLengthOf(request) === undefined;
    this.#bufferedChunks = bufferedChunks;
  }

  start(socket: Socket): void {
    this.#socket = socket;
    for (const chunk of this.#bufferedChunks) this.#send(chunk);
    this.#bufferedChunks = [];
    this.#request.on('data', this.#onData).on('end', this.#onEnd).resume();
  }

  resume(): void {
    if (this.#socket) this.#request.resume();
  }

  /**
   * Stops the body. Before the start, the request stays paused and unread, so that another instance can get all of it.
   */
  stop(): void {
    if (!this.#socket) return;
    this.#socket = undefined;
    // The end of the response bounds how long the client may send the rest.
    this.#request.off('data', this.#onData).off('end', this.#onEnd).resume();
  }

  readonly #socketOfClient = (): Socket => this.#request.socket;

  readonly #onData = guarded(this.#socketOfClient, (chunk: Buffer): void => {
    this.#observer.onBodyProgress();
    if (!this.#send(chunk)) this.#request.pause();
  });

  readonly #onEnd = guarded(this.#socketOfClient, (): void => {
    if (this.#isChunked) this.#socket?.write('0\r\n\r\n', 'latin1');
    this.isSent = true;
    this.#observer.onBodyProgress();
  });

  /** Returns false when the socket cannot take more now. */
  #send(chunk: Buffer): boolean {
    this.#received += chunk.length;
    if (this.#received > this.#limitBytes) {
      this.#observer.onBodyTooLarge();
      return false;
    }
    const socket = this.#socket;
    if (!socket) return false;
    if (!this.#isChunked) return socket.write(chunk, () => releaseMemory(chunk));
    socket.cork();
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    socket.write(chunk, () => releaseMemory(chunk));
    const hasCapacity = socket.write('\r\n', 'latin1');
    socket.uncork();
    return hasCapacity;
  }
}
