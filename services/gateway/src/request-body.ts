/** The body of a request on its way to a service: counted, and cut where it is too large. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { guarded } from '@daybook/service';
import type { BodyStream } from './upstream/connection.ts';

export const BODY_LIMIT_BYTES = 1024 * 1024;

export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** What the request says of its body; undefined when that comes in chunks. */
export function announcedLength({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** Not worth the trouble below this. */
const LARGE_BYTES = 16 * 1024;

/**
 * Gives the memory of a piece back that was sent. To wait until it is collected costs a hundred megabytes while a large body
 * passes.
 */
function giveUp({ buffer, byteLength }: Buffer): void {
  const isAlone = byteLength >= LARGE_BYTES && byteLength === buffer.byteLength;
  if (isAlone && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}

export interface BodyWatcher {
  onBodyMoved(): void;
  onBodyTooLarge(): void;
}

/** A body that is sent as it comes. Reads nothing before it is started. */
export class RequestBody implements BodyStream {
  readonly #request: IncomingMessage;
  readonly #watcher: BodyWatcher;
  readonly #limitBytes: number;
  readonly #isChunked: boolean;
  #begin: readonly Buffer[];
  #received = 0;
  #socket: Socket | undefined;
  isSent = false;

  /** `begin`: what was read of it before. */
  constructor(request: IncomingMessage, watcher: BodyWatcher, limitBytes: number, begin: readonly Buffer[] = []) {
    this.#request = request;
    this.#watcher = watcher;
    this.#limitBytes = limitBytes;
    this.#isChunked = announcedLength(request) === undefined;
    this.#begin = begin;
  }

  start(socket: Socket): void {
    this.#socket = socket;
    for (const chunk of this.#begin) this.#send(chunk);
    this.#begin = [];
    this.#request.on('data', this.#onData).on('end', this.#onEnd).resume();
  }

  resume(): void {
    if (this.#socket) this.#request.resume();
  }

  /** Before the start, nothing of the request was read here: it stays paused, so that another instance gets all of it. */
  stop(): void {
    if (!this.#socket) return;
    this.#socket = undefined;
    // The end of the response bounds how long the client may send the rest.
    this.#request.off('data', this.#onData).off('end', this.#onEnd).resume();
  }

  readonly #clientOf = (): Socket => this.#request.socket;

  readonly #onData = guarded(this.#clientOf, (chunk: Buffer): void => {
    this.#watcher.onBodyMoved();
    if (!this.#send(chunk)) this.#request.pause();
  });

  readonly #onEnd = guarded(this.#clientOf, (): void => {
    if (this.#isChunked) this.#socket?.write('0\r\n\r\n', 'latin1');
    this.isSent = true;
    this.#watcher.onBodyMoved();
  });

  /** False when the socket has enough for now. */
  #send(chunk: Buffer): boolean {
    this.#received += chunk.length;
    if (this.#received > this.#limitBytes) {
      this.#watcher.onBodyTooLarge();
      return false;
    }
    const socket = this.#socket;
    if (!socket) return false;
    if (!this.#isChunked) return socket.write(chunk, () => giveUp(chunk));
    socket.cork();
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    socket.write(chunk, () => giveUp(chunk));
    const takesMore = socket.write('\r\n', 'latin1');
    socket.uncork();
    return takesMore;
  }
}
