import type { Socket } from 'node:net';
import { guarded, ignoreError } from '@daybook/service';
import { MAX_PLAIN_HEAD_LENGTH, type PlainHeaders, type PlainRequest, readPlainRequest } from './plain-request.ts';
import { FastPathResponse, type ResponseConnection } from './response.ts';

/** Manages the connections of the fast path. */
export interface FastPathOwner {
  readonly keepAliveLines: string;
  /** Handles a request; returns false when it is not for the fast path. */
  tryHandle(request: PlainRequest, response: FastPathResponse): boolean;
  /** Takes over the connection after a hand-over. The bytes already read were put back into the socket. */
  onHandedOver(connection: FastPathConnection): void;
  onClosed(connection: FastPathConnection): void;
}

/** Serves a client's connection while it carries only plain requests, one after the other. */
export class FastPathConnection implements ResponseConnection {
  readonly socket: Socket;
  readonly keepAliveLines: string;
  readonly #owner: FastPathOwner;
  #response: FastPathResponse | undefined;
  /** Bytes that came before the previous response was complete. */
  #heldChunk: Buffer | undefined;
  #headers: PlainHeaders | undefined;
  /** When the last response ended. Before the first response, when the connection opened. */
  idleSince = performance.now();
  hasResponded = false;

  constructor(owner: FastPathOwner, socket: Socket) {
    this.socket = socket;
    this.#owner = owner;
    this.keepAliveLines = owner.keepAliveLines;
    socket
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('drain', this.#onDrain)
      .on('error', ignoreError)
      .on('close', this.#onClose);
  }

  get isIdle(): boolean {
    return this.#response === undefined;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Stops reading and writing. */
  detach(): void {
    this.socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('drain', this.#onDrain)
      .off('error', ignoreError)
      .off('close', this.#onClose);
  }

  onResponseEnd(isKept: boolean): void {
    this.#response = undefined;
    this.hasResponded = true;
    this.idleSince = performance.now();
    const held = this.#heldChunk;
    this.#heldChunk = undefined;
    if (!isKept) this.socket.destroySoon();
    else if (held && this.socket.writable) this.#handOver(held);
  }

  readonly #socketOf = (): Socket => this.socket;

  readonly #onData = guarded(this.#socketOf, (chunk: Buffer): void => {
    if (this.#response) {
      this.#heldChunk = chunk;
      this.socket.pause();
    } else if (!this.#tryHandle(chunk)) {
      this.#handOver(chunk);
    }
  });

  #tryHandle(chunk: Buffer): boolean {
    if (chunk.length > MAX_PLAIN_HEAD_LENGTH) return false;
    const request = readPlainRequest(chunk.toString('latin1'), this.socket, this.#headers);
    if (!request) return false;
    this.#headers = request.memo;
    this.#response = new FastPathResponse(this, request.method);
    if (this.#owner.tryHandle(request, this.#response)) return true;
    this.#response = undefined;
    return false;
  }

  /** Hands the connection over for good, because a client that sends other requests once will do so again. */
  #handOver(chunk: Buffer): void {
    this.detach();
    this.socket.pause();
    this.socket.unshift(chunk);
    this.#owner.onHandedOver(this);
    process.nextTick(() => this.socket.resume());
  }

  /** Closes the connection as node:http does. A client that has ended its side does not get a response. */
  readonly #onEnd = guarded(this.#socketOf, (): void => {
    this.socket.destroySoon();
  });

  readonly #onDrain = guarded(this.#socketOf, (): void => {
    this.#response?.onDrain();
  });

  readonly #onClose = guarded(this.#socketOf, (): void => {
    this.#response?.onClose();
    this.#owner.onClosed(this);
  });
}
