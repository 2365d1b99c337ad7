import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { dropBody, guarded, requestIdOf, traceOf } from '@daybook/service';
import type { AnswerOwner, ClientAnswer } from './client.ts';
import type { Asked } from './exchange.ts';
import { hasBody } from './request-body.ts';

/** One string goes out together with the headers, in one go; a large one would be copied for nothing. */
const AT_ONCE_BYTES = 16 * 1024;

/** An answer that node:http writes. */
export class NodeAnswer implements ClientAnswer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #owner: AnswerOwner | undefined;
  #isFlushed = false;
  #waitsForDrain = false;

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

  watch(owner: AnswerOwner): void {
    this.#owner = owner;
    this.#response.on(
      'close',
      guarded(this.#request.socket, () => owner.onAnswerClosed()),
    );
  }

  begin(status: number, headers: OutgoingHttpHeader[]): void {
    this.#response.writeHead(status, headers);
  }

  write(bytes: Buffer, sent: () => void): boolean {
    if (this.#response.write(bytes, sent)) return true;
    if (!this.#waitsForDrain) {
      this.#waitsForDrain = true;
      this.#response.on(
        'drain',
        guarded(this.#request.socket, () => this.#owner?.onAnswerDrained()),
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
    if (!last) endAnswer(this.#request, this.#response);
    else if (!this.#request.complete) {
      this.#response.write(Buffer.from(last));
      endAnswer(this.#request, this.#response);
    } else if (last.length > AT_ONCE_BYTES) this.#response.end(Buffer.from(last));
    else this.#response.end(last.toString('latin1'), 'latin1');
  }

  /** Where earlier responses on the connection are pending, it is closed after these. */
  destroy(): void {
    const { socket } = this.#response;
    this.#response.destroy();
    if (socket) return;
    // Node would wait for the end of a response that has none.
    this.#response.once(
      'socket',
      guarded(this.#request.socket, (due: Socket) => void due.destroy()),
    );
  }

  sendAway(): void {
    // A response that was broken off may have earlier ones before it.
    if (this.isSent) this.#request.socket.destroySoon();
  }
}

/**
 * Ends an answer that may be there before the request is. A connection that is closed after it waits for the rest of the
 * body first, for the same reason as `dropBody`; the client has the whole answer meanwhile.
 */
export function endAnswer(request: IncomingMessage, response: ServerResponse): void {
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

/** A request that node:http has read. */
export const askedBy = (request: IncomingMessage, response: ServerResponse): Asked => ({
  request,
  body: hasBody(request) ? request : undefined,
  answer: new NodeAnswer(request, response),
  requestId: requestIdOf(request),
  trace: traceOf(request.headers.traceparent),
});
