import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { dropBody, guarded, requestIdOf, traceOf } from '@daybook/service';
import type { ClientExchange, ClientResponse, ResponseOwner } from './client-exchange.ts';
import { hasBody } from './request-body.ts';

/** A string up to this size is sent together with the headers. Copying a larger one costs more than it saves. */
const SINGLE_WRITE_BYTES = 16 * 1024;

/** A response that node:http writes. */
export class NodeResponse implements ClientResponse {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #owner: ResponseOwner | undefined;
  #isFlushed = false;
  #isAwaitingDrain = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  get status(): number | undefined {
    return this.#response.headersSent ? this.#response.statusCode : undefined;
  }

  get isDue(): boolean {
    return this.#response.socket !== null;
  }

  get isSent(): boolean {
    return this.#response.writableFinished;
  }

  setOwner(owner: ResponseOwner): void {
    this.#owner = owner;
    this.#response.on(
      'close',
      guarded(this.#request.socket, () => owner.onResponseClosed()),
    );
  }

  writeHead(status: number, headers: OutgoingHttpHeader[]): void {
    this.#response.writeHead(status, headers);
  }

  write(bytes: Buffer, sent: () => void): boolean {
    if (this.#response.write(bytes, sent)) return true;
    if (!this.#isAwaitingDrain) {
      this.#isAwaitingDrain = true;
      this.#response.on(
        'drain',
        guarded(this.#request.socket, () => this.#owner?.onResponseDrained()),
      );
    }
    return false;
  }

  flush(): void {
    if (this.#isFlushed || !this.#response.headersSent) return;
    this.#isFlushed = true;
    this.#response.flushHeaders();
  }

  end(last?: Buffer): void {
    if (!last) endResponse(this.#request, this.#response);
    else if (!this.#request.complete) {
      this.#response.write(Buffer.from(last));
      endResponse(this.#request, this.#response);
    } else if (last.length > SINGLE_WRITE_BYTES) this.#response.end(Buffer.from(last));
    else this.#response.end(last.toString('latin1'), 'latin1');
  }

  /** Closes the connection, after the pending earlier responses on it. */
  destroy(): void {
    const { socket } = this.#response;
    this.#response.destroy();
    if (socket) return;
    // Node would wait for the end of this response, which never comes.
    this.#response.once(
      'socket',
      guarded(this.#request.socket, (due: Socket) => void due.destroy()),
    );
  }

  closeConnection(): void {
    // Earlier responses may be pending before a broken response.
    if (this.isSent) this.#request.socket.destroySoon();
  }
}

/**
 * Ends a response that may precede the end of its request. If the connection closes afterwards, it first waits for the
 * rest of the body, as `dropBody` does. The client already has the whole response.
 */
export function endResponse(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || request.destroyed || response.shouldKeepAlive) {
    dropBody(request, response);
    response.end();
    return;
  }
  request.once(
    'end',
    guarded(request.socket, () => void response.end()),
  );
  dropBody(request, response);
}

/** Wraps a request that node:http has read. */
export const clientExchangeOf = (request: IncomingMessage, response: ServerResponse): ClientExchange => ({
  request,
  body: hasBody(request) ? request : undefined,
  response: new NodeResponse(request, response),
  requestId: requestIdOf(request),
  trace: traceOf(request.headers.traceparent),
});
