/** Reads a request's body before an instance is selected, so that a slow client does not occupy a connection. */
import type { IncomingMessage } from 'node:http';
import { guarded } from '@daybook/service';

/** Larger bodies are streamed from here on. */
export const BUFFER_BYTES = 64 * 1024;
/** The deadline for the first 64 KiB of a body, or for a smaller body, however steadily the bytes come. */
export const BUFFER_MILLIS = 5_000;

export interface ReplayBufferOwner {
  /** Returns false when the bytes exceed the limit. Reading stops then. */
  onBodyBytes(bytes: number): boolean;
  /** `isWhole` is false when the body is larger than the buffer. The rest waits in the paused request. */
  onBodyBuffered(chunks: readonly Buffer[], isWhole: boolean): void;
}

export class ReplayBuffer {
  readonly #request: IncomingMessage;
  readonly #owner: ReplayBufferOwner;
  readonly #chunks: Buffer[] = [];
  #received = 0;

  constructor(request: IncomingMessage, owner: ReplayBufferOwner) {
    this.#request = request;
    this.#owner = owner;
    request.on('data', this.#onData).on('end', this.#onEnd);
  }

  /** Stops reading and drops the buffered bytes. */
  stop(): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd);
    this.#chunks.length = 0;
  }

  readonly #socketOf = () => this.#request.socket;

  readonly #onData = guarded(this.#socketOf, (chunk: Buffer): void => {
    if (!this.#owner.onBodyBytes(chunk.length)) return;
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#received > BUFFER_BYTES) this.#done(false);
  });

  readonly #onEnd = guarded(this.#socketOf, (): void => this.#done(true));

  #done(isWhole: boolean): void {
    const chunks = [...this.#chunks];
    this.stop();
    if (!isWhole) this.#request.pause();
    this.#owner.onBodyBuffered(chunks, isWhole);
  }
}
