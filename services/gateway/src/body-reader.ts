/** Reads the body of a request before an instance is asked, so that a slow client takes no connection to it. */
import type { IncomingMessage } from 'node:http';
import { guarded } from '@daybook/service';

/** Larger bodies are streamed from here on. */
export const READ_BYTES = 64 * 1024;
/** For the first 64 KiB of a body, or all of it, however steadily it comes. */
export const READ_MILLIS = 5_000;

export interface BodyReaderOwner {
  /** Returns false when there is no room for so many bytes more: nothing is read any further. */
  onBodyBytes(bytes: number): boolean;
  /** `isWhole` is false when there is more than was read; the rest waits in the request, which is paused. */
  onBodyRead(chunks: readonly Buffer[], isWhole: boolean): void;
}

export class BodyReader {
  readonly #request: IncomingMessage;
  readonly #owner: BodyReaderOwner;
  readonly #chunks: Buffer[] = [];
  #received = 0;

  constructor(request: IncomingMessage, owner: BodyReaderOwner) {
    this.#request = request;
    this.#owner = owner;
    request.on('data', this.#onData).on('end', this.#onEnd);
  }

  /** Nothing more is to be read. What was read is forgotten. */
  stop(): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd);
    this.#chunks.length = 0;
  }

  readonly #connection = () => this.#request.socket;

  readonly #onData = guarded(this.#connection, (chunk: Buffer): void => {
    if (!this.#owner.onBodyBytes(chunk.length)) return;
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#received > READ_BYTES) this.#done(false);
  });

  readonly #onEnd = guarded(this.#connection, (): void => this.#done(true));

  #done(isWhole: boolean): void {
    const chunks = [...this.#chunks];
    this.stop();
    if (!isWhole) this.#request.pause();
    this.#owner.onBodyRead(chunks, isWhole);
  }
}
