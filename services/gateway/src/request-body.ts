/** The body of a request on its way to a service: counted, and cut where it is too large. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

export const BODY_LIMIT_BYTES = 1024 * 1024;

/** For how long a client may go on sending what nobody will read, so that it gets to the answer. */
const DISCARD_MILLIS = 1_000;

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Whether the request says itself that its body is too large. */
export const announcesTooMuch = ({ headers }: IncomingMessage): boolean =>
  Number(headers['content-length'] ?? 0) > BODY_LIMIT_BYTES;

/**
 * Stands between the request and undici, which destroys the bodies that it gives up: the request has to live on, since
 * it is answered over the same socket. Reads nothing before it is read itself.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  #started = false;
  #received = 0;

  constructor(request: IncomingMessage) {
    super();
    this.#request = request;
  }

  override _read(): void {
    if (!this.#started) {
      this.#started = true;
      this.#request.on('data', this.#onData).on('end', this.#onEnd);
    }
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd);
    discard(this.#request);
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received += chunk.length;
    if (this.#received > BODY_LIMIT_BYTES) this.destroy(new BodyTooLarge());
    else if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };
}

/**
 * Ends an answer that may be there before the request is. A connection that is closed after it waits for the rest of the
 * body first, for the same reason as below; the client has the whole answer meanwhile.
 */
export function endAnswer(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || request.destroyed || response.shouldKeepAlive) {
    response.end();
    discard(request);
    return;
  }
  request.once('end', () => response.end());
  discard(request);
}

/** Lets the rest of a body run out. A connection that is closed on unread data loses the answer that was sent on it. */
export function discard(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), DISCARD_MILLIS);
  request.once('close', () => clearTimeout(timer));
}
