/** One request through the gateway: at most three tries, one deadline, one answer. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Refusal } from '@daybook/contracts';
import { requestIdOf, requestTimeout, type Trace, traceOf } from '@daybook/service';
import type { Dispatcher } from 'undici';
import { codeOf, late, outcomeUnknown, tooLarge, unavailable } from './failures.ts';
import { answeredHeaders, forwardedHeaders } from './headers.ts';
import type { ExchangeReport, Outcome } from './outcomes.ts';
import type { Refresher } from './refresher.ts';
import { announcesTooMuch, BodyTooLarge, endAnswer, hasBody, RequestBody } from './request-body.ts';
import { pathOf } from './route-table.ts';
import type { Route } from './routes.ts';
import { Tries, type TriesParts } from './tries.ts';
import { writeProblem } from './write-problem.ts';

const REFRESH_DEADLINE_MILLIS = 1_000;
const DEFAULT_TIMEOUT_MILLIS = 10_000;
/** What nginx writes into its log when the client did not wait for the answer. */
const CLIENT_GONE_STATUS = 499;

/** What every exchange works with. */
export interface ExchangeParts extends TriesParts {
  readonly refresher: Refresher;
  readonly report: (report: ExchangeReport) => void;
  /** Whether clients are to be sent away after their answer. */
  readonly isClosing: () => boolean;
}

/** To undici: nobody waits for this answer. */
class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/**
 * Also undici's handler for each of its tries, which come one after the other: this is the hot path, and an object less
 * per request counts.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #parts: ExchangeParts;
  readonly #route: Route;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #requestId: string;
  readonly #trace: Trace;
  readonly #hasBody: boolean;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #tries: Tries;
  /** Undefined until undici writes the request: as long as it is, nothing was sent and no body was read. */
  #controller: Dispatcher.DispatchController | undefined;
  #waitsForDrain = false;
  #refreshed = false;
  #outcome: Outcome | undefined;

  constructor(parts: ExchangeParts, route: Route, request: IncomingMessage, response: ServerResponse) {
    this.#parts = parts;
    this.#route = route;
    this.#request = request;
    this.#response = response;
    this.#requestId = requestIdOf(request);
    this.#trace = traceOf(request.headers.traceparent);
    this.#hasBody = hasBody(request);
    this.#tries = new Tries(parts, route, this.#requestId);
    this.#timer = setTimeout(onDeadline, route.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS, this);
    response.once('close', () => this.#closed());
  }

  begin(): void {
    if (announcesTooMuch(this.#request)) this.#refuse(tooLarge(), 'refused');
    else if (this.#try()) return;
    else if (this.#tries.hasBegun) this.#refuse(unavailable(this.#route), 'unavailable');
    else void this.#tryRefreshed();
  }

  /** The time is over: for the request to come, for an instance to answer, or, once it did, for the client to take it. */
  expire(): void {
    if (this.#outcome !== undefined) {
      this.#response.destroy();
      return;
    }
    this.#timer.refresh();
    if (this.#waitsForBody()) this.#giveUp(requestTimeout(), 'refused');
    else this.#giveUp(late(), 'deadline');
  }

  /** Whether the rest of the body is wanted and the client does not send it. */
  #waitsForBody(): boolean {
    return !this.#request.complete && this.#request.readableFlowing === true;
  }

  /** Where no instance is known, or none that is known can be reached, one may have come since the list was fetched. */
  async #tryRefreshed(): Promise<void> {
    this.#refreshed = true;
    await this.#parts.refresher.within(REFRESH_DEADLINE_MILLIS);
    if (this.#outcome === undefined && !this.#try()) this.#refuse(unavailable(this.#route), 'unavailable');
  }

  /** Sends the request to an instance that was not tried before; false when there is none. */
  #try(): boolean {
    const pool = this.#tries.next();
    if (!pool) return false;
    this.#controller = undefined;
    const { method = 'GET', url = '/' } = this.#request;
    const marks = { requestId: this.#requestId, traceparent: this.#trace.traceparent, hasBody: this.#hasBody };
    const headers = forwardedHeaders(this.#request, marks);
    const body = this.#hasBody ? new RequestBody(this.#request) : null;
    pool.dispatch({ method, path: url, headers, body }, this);
    return true;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // A request that waits for a connection cannot be taken back from undici; it can be refused when it is its turn.
    if (this.#outcome !== undefined) throw new Abandoned();
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#outcome !== undefined) return;
    this.#timer.refresh();
    const list = answeredHeaders(headers, this.#requestId);
    if (this.#parts.isClosing()) list.push('connection', 'close');
    this.#response.writeHead(status, list);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#outcome !== undefined || this.#response.write(chunk)) return;
    controller.pause();
    if (this.#waitsForDrain) return;
    this.#waitsForDrain = true;
    this.#response.on('drain', () => this.#controller?.resume());
  }

  onResponseEnd(): void {
    this.#tries.letGo();
    if (this.#outcome !== undefined) return;
    this.#outcome = 'answered';
    endAnswer(this.#request, this.#response);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#outcome !== undefined) {
      this.#tries.letGo();
    } else if (error instanceof BodyTooLarge) {
      this.#tries.letGo();
      this.#giveUp(tooLarge(), 'refused');
    } else {
      this.#instanceFailed(error);
    }
  }

  #instanceFailed(error: Error): void {
    const wasSent = this.#controller !== undefined;
    this.#tries.fail(codeOf(error));
    if (!wasSent) this.#parts.refresher.soon();
    if (this.#response.headersSent) this.#giveUp(unavailable(this.#route), 'broken');
    else if (wasSent && !this.#isRepeatable()) this.#refuse(outcomeUnknown(this.#route), 'unavailable');
    else if (this.#try()) return;
    else if (this.#refreshed) this.#refuse(unavailable(this.#route), 'unavailable');
    else void this.#tryRefreshed();
  }

  #isRepeatable(): boolean {
    const { method } = this.#request;
    return (method === 'GET' || method === 'HEAD') && !this.#hasBody;
  }

  /** Ends what is under way. Where the answer has begun, a broken connection is the only way to say that it is not whole. */
  #giveUp(refusal: Refusal, outcome: Outcome): void {
    if (this.#response.headersSent) {
      this.#outcome = outcome;
      this.#response.destroy();
    } else {
      this.#refuse(refusal, outcome);
    }
    this.#controller?.abort(new Abandoned());
  }

  #refuse(refusal: Refusal, outcome: Outcome): void {
    this.#outcome = outcome;
    writeProblem(this.#response, refusal, {
      path: pathOf(this.#request),
      requestId: this.#requestId,
      traceId: this.#trace.traceId,
    });
    endAnswer(this.#request, this.#response);
  }

  /** The answer is out, or the client is gone: the end of every exchange. */
  #closed(): void {
    clearTimeout(this.#timer);
    if (this.#outcome === undefined || (this.#outcome === 'answered' && !this.#response.writableFinished)) {
      this.#outcome = 'client-gone';
      this.#controller?.abort(new Abandoned());
    }
    if (this.#parts.isClosing()) this.#request.socket.destroySoon();
    this.#parts.report({
      method: this.#request.method ?? 'GET',
      route: this.#route.id,
      outcome: this.#outcome,
      status: this.#response.headersSent ? this.#response.statusCode : CLIENT_GONE_STATUS,
      durationMillis: performance.now() - this.#startedAt,
      requestId: this.#requestId,
      traceId: this.#trace.traceId,
    });
  }
}

const onDeadline = (exchange: Exchange): void => exchange.expire();
