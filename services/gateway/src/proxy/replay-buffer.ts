/** Reads the body of a request before an instance is asked, so that a slow client takes no connection to it. */
import type { IncomingMessage } from 'node:http';
import { guarded } from '@daybook/service';

/** Larger bodies are streamed from here on. */
export const BUFFER_BYTES = 64 * 1024;
/** For the first 64 KiB of a body, or all of it, however steadily it comes. */
export const BUFFER_MILLIS = 5_000;

export interface ReplayBufferOwner {
  /** Returns false when there is no room for so many bytes more: nothing is read any further. */
  onBodyBytes(bytes: number): boolean;
  /** `isWhole` is false when there is more than was read; the rest waits in the request, which is paused. */
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

  /** Nothing more is to be read. What was read is forgotten. */
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
