/**
 * Reads a request's body before an instance is selected, so that a slow client does not occupy a connection. Keeps a
 * small body, so that another attempt can send it again. The limits of the client count what it holds.
 */
import type { IncomingMessage } from 'node:http';
import { guarded } from '@daybook/service';
import { type BodyObserver, contentLengthOf, RequestBody } from '../http/request-body.ts';
import type { BodyLength } from '../http/request-head.ts';
import type { ClientLimits, LimitReached } from '../resilience/client-limits.ts';

/** Larger bodies are streamed from here on. */
export const BUFFER_BYTES = 64 * 1024;
/** The deadline for the first 64 KiB of a body, or for a smaller body, however steadily the bytes come. */
export const BUFFER_MILLIS = 5_000;

/** The owner. It must close the buffer when the exchange ends. */
export interface ReplayBufferOwner extends BodyObserver {
  /** Called when the body can be sent. The rest of a larger one waits in the paused request. */
  onBodyBuffered(): void;
  onLimitReached(limit: LimitReached): void;
}

export class ReplayBuffer {
  readonly #request: IncomingMessage;
  readonly #limitBytes: number;
  readonly #clientLimits: ClientLimits;
  /** The client whose limits count. */
  readonly #client: string;
  readonly #owner: ReplayBufferOwner;
  #isReading = false;
  #isUpload = false;
  #bytes = 0;
  /** Empty once the body is whole. */
  #chunks: Buffer[] = [];
  #whole: Buffer | undefined;

  constructor(
    request: IncomingMessage,
    limitBytes: number,
    clientLimits: ClientLimits,
    client: string,
    owner: ReplayBufferOwner,
  ) {
    this.#request = request;
    this.#limitBytes = limitBytes;
    this.#clientLimits = clientLimits;
    this.#client = client;
    this.#owner = owner;
  }

  /** Whether the whole body is held, so that it can be sent more than once. */
  get isWhole(): boolean {
    return this.#whole !== undefined;
  }

  /** Whether the gateway waits for the client to send the rest. */
  get isAwaited(): boolean {
    return !this.#request.complete && this.#request.readableFlowing === true;
  }

  get length(): BodyLength {
    return this.#whole?.length ?? contentLengthOf(this.#request) ?? 'chunked';
  }

  /** Begins to read. Returns false when the body is too large or the client has reached a limit. */
  start(): boolean {
    if ((contentLengthOf(this.#request) ?? 0) > this.#limitBytes) {
      this.#owner.onBodyTooLarge();
      return false;
    }
    if (!this.#tryAcquire('pendingBodies')) return false;
    this.#isReading = true;
    this.#request.on('data', this.#onData).on('end', this.#onEnd);
    return true;
  }

  /** Returns the body for an attempt: all of it, or what was read followed by the rest. */
  toSend(): Buffer | RequestBody {
    return this.#whole ?? new RequestBody(this.#request, this.#owner, this.#limitBytes, this.#chunks);
  }

  /** Stops reading and drops what was read. Has no effect once the body is buffered. */
  stop(): void {
    if (!this.#isReading) return;
    this.#endReading();
    this.#chunks = [];
  }

  /** Drops the body, because it is not sent again. */
  release(): void {
    if (this.#bytes === 0) return;
    this.#clientLimits.release('bodyBytes', this.#client, this.#bytes);
    this.#bytes = 0;
    this.#whole = undefined;
    this.#chunks = [];
  }

  /** Ends everything that counts against the client. */
  close(): void {
    this.stop();
    this.release();
    if (this.#isUpload) this.#clientLimits.release('uploads', this.#client);
    this.#isUpload = false;
  }

  readonly #socketOf = () => this.#request.socket;

  readonly #onData = guarded(this.#socketOf, (chunk: Buffer): void => {
    const { length } = chunk;
    if (this.#bytes + length > this.#limitBytes) {
      this.#owner.onBodyTooLarge();
      return;
    }
    if (!this.#tryAcquire('bodyBytes', length)) return;
    this.#bytes += length;
    this.#chunks.push(chunk);
    if (this.#bytes > BUFFER_BYTES) this.#startUpload();
  });

  readonly #onEnd = guarded(this.#socketOf, (): void => {
    this.#endReading();
    this.#whole = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#owner.onBodyBuffered();
  });

  /** Leaves the rest of a large body in the paused request. */
  #startUpload(): void {
    this.#endReading();
    this.#request.pause();
    if (!this.#tryAcquire('uploads')) return;
    this.#isUpload = true;
    this.#owner.onBodyBuffered();
  }

  #endReading(): void {
    this.#isReading = false;
    this.#request.off('data', this.#onData).off('end', this.#onEnd);
    this.#clientLimits.release('pendingBodies', this.#client);
  }

  #tryAcquire(resource: 'pendingBodies' | 'bodyBytes' | 'uploads', amount = 1): boolean {
    const limit = this.#clientLimits.tryAcquire(resource, this.#client, amount);
    if (limit) this.#owner.onLimitReached(limit);
    return limit === undefined;
  }
}
