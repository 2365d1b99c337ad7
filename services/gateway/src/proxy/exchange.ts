/** Carries one request through the gateway: at most three attempts, one response, and an end in bounded time. */
import type { IncomingMessage } from 'node:http';
import { Refusal } from '@daybook/contracts';
import type { RetryBudget } from '@daybook/discovery';
import { contain, crossSite, guarded, requestTimeout, type Trace } from '@daybook/service';
import { FilterRun, type LocalResponse } from '../filters/chain.ts';
import type { ClientRequest, ClientResponse, ResponseOwner } from '../http/client-exchange.ts';
import { BODY_LIMIT_BYTES, type BodyObserver, contentLengthOf, RequestBody } from '../http/request-body.ts';
import { serializePlainRequestHead, serializeRequestHead, UnsendableRequest } from '../http/request-head.ts';
import { frameResponse } from '../http/response-framing.ts';
import type { ClientLimits } from '../resilience/client-limits.ts';
import type { ConcurrencyLimit } from '../resilience/concurrency-limit.ts';
import type { CompiledRoute } from '../routes/compiler.ts';
import { pathOf } from '../routes/table.ts';
import { timeoutsOf } from '../routes/timeouts.ts';
import { copyChunk } from '../upstream/chunk-pool.ts';
import type { DiscoveryRefresh } from '../upstream/discovery-refresh.ts';
import type { ParsedResponseHead } from '../upstream/response-parser.ts';
import type { ExchangeReport, Outcome } from './access-log.ts';
import { type Attempt, type AttemptDependencies, type AttemptOwner, Attempts, isFailureStatus } from './attempts.ts';
import type { SiteCheck } from './cross-site.ts';
import { type DeadlineOwner, Deadlines, type DeadlineWatch } from './deadlines.ts';
import {
  deadlineExceeded,
  limitReached,
  outcomeUnknown,
  overloaded,
  serviceUnavailable,
  tooLarge,
  unsendable,
} from './errors.ts';
import type { Forwarding } from './forwarded.ts';
import {
  forwardedRequestHeaders,
  forwardedRequestLines,
  forwardedResponseHeaders,
  hasIdempotencyKey,
} from './headers.ts';
import { LOCAL_RESPONSE_HEADERS } from './local-response-headers.ts';
import { sendProblem } from './problem-response.ts';
import { BUFFER_MILLIS, ReplayBuffer, type ReplayBufferOwner } from './replay-buffer.ts';

const REFRESH_DEADLINE_MILLIS = 1_000;
/** nginx logs this status when the client does not wait for the response. */
const CLIENT_CLOSED_REQUEST_STATUS = 499;
/** Spreads the requests of a failed instance over time, so that they do not all reach the next one simultaneously. */
const MAX_JITTER_MILLIS = 25;
/** Services handle a request with a key once for these methods. A PATCH route does not store its first response. */
const IDEMPOTENCY_KEY_METHODS = new Set(['POST']);
const EVENT_STREAM = /^text\/event-stream\b/i;

/** The shared dependencies of all exchanges. */
export interface ExchangeDependencies extends AttemptDependencies {
  readonly discoveryRefresh: DiscoveryRefresh;
  readonly forwarding: Forwarding;
  readonly clientLimits: ClientLimits;
  readonly siteCheck: SiteCheck;
  readonly deadlineWatch: DeadlineWatch;
  readonly report: (report: ExchangeReport) => void;
  /** Returns whether connections close after their response. */
  readonly isDraining: () => boolean;
  /** Returns whether the gateway no longer starts endless streams. */
  readonly isClosing: () => boolean;
  /** The endless streams. The gateway ends them when it closes. */
  readonly streams: Set<Exchange>;
}

/** The shared state of the exchanges with one service. */
export interface ServiceState {
  readonly budget: RetryBudget;
  readonly concurrencyLimit: ConcurrencyLimit;
}

/** A client's request and its response. */
export interface ClientExchange {
  readonly request: ClientRequest;
  /** Undefined without a body. */
  readonly body: IncomingMessage | undefined;
  readonly response: ClientResponse;
  readonly requestId: string;
  readonly trace: Trace;
}

export class Exchange implements AttemptOwner, ReplayBufferOwner, BodyObserver, DeadlineOwner, ResponseOwner {
  readonly #dependencies: ExchangeDependencies;
  readonly #service: ServiceState;
  readonly #route: CompiledRoute;
  readonly #request: ClientRequest;
  readonly #body: IncomingMessage | undefined;
  readonly #response: ClientResponse;
  /** The client whose limits count. */
  readonly #client: string;
  readonly #requestId: string;
  readonly #trace: Trace;
  readonly #startedAt = performance.now();
  /** When the gateway began to wait for the instance. */
  #sentAt = this.#startedAt;
  readonly #deadlines: Deadlines;
  readonly #attempts: Attempts;
  /** Undefined where the route has no filters. */
  readonly #filterRun: FilterRun | undefined;
  #attempt: Attempt | undefined;
  /** Present until the buffered part of the body has come. */
  #replayBuffer: ReplayBuffer | undefined;
  #bufferedBytes = 0;
  #bufferedBody: Buffer | undefined;
  #bodyStart: readonly Buffer[] = [];
  #isUpload = false;
  /** Whether the last attempt sent an idempotency key to the service. */
  #hasIdempotencyKey = false;
  #forwardsBody = true;
  #hasRefreshed = false;
  #countsAsInFlight: boolean;
  #outcome: Outcome | undefined;

  /**
   * The request already counts against the limits of `client`. It counts against the service's limit, too, unless it
   * has a body.
   */
  constructor(
    dependencies: ExchangeDependencies,
    service: ServiceState,
    route: CompiledRoute,
    client: string,
    clientExchange: ClientExchange,
  ) {
    const { request, body, response, requestId, trace } = clientExchange;
    this.#dependencies = dependencies;
    this.#service = service;
    this.#route = route;
    this.#client = client;
    this.#request = request;
    this.#body = body;
    this.#countsAsInFlight = body === undefined;
    this.#response = response;
    this.#requestId = requestId;
    this.#trace = trace;
    this.#attempts = new Attempts(dependencies, route, requestId, isSafe(request) && body === undefined);
    this.#filterRun = route.chain && new FilterRun(route.chain, request);
    this.#deadlines = new Deadlines(dependencies.deadlineWatch, timeoutsOf(route), this.#startedAt, this);
    response.setOwner(this);
  }

  begin(): void {
    if (this.#dependencies.siteCheck.rejects(this.#route, this.#request)) {
      this.#refuse(crossSite(), 'refused');
      return;
    }
    const localResponse = this.#filterRun?.onRequest();
    if (localResponse instanceof Refusal) this.#refuse(localResponse, 'refused');
    else if (localResponse) this.#sendLocalResponse(localResponse);
    else if (this.#isTooLarge) this.#refuse(tooLarge(), 'refused');
    else if (this.#body) this.#bufferBody(this.#body);
    else this.#forward();
  }

  get #isTooLarge(): boolean {
    return this.#body !== undefined && (contentLengthOf(this.#body) ?? 0) > this.#bodyLimitBytes;
  }

  get #bodyLimitBytes(): number {
    return this.#route.chain?.bodyLimitBytes ?? BODY_LIMIT_BYTES;
  }

  /** Buffers the body first. Until then, no instance is selected and the limit of the service does not count. */
  #bufferBody(body: IncomingMessage): void {
    const limit = this.#dependencies.clientLimits.tryAcquire('pendingBodies', this.#client);
    if (limit) {
      this.#refuse(limitReached(limit, this.#route), 'shed');
      return;
    }
    this.#deadlines.startBody(BUFFER_MILLIS);
    this.#replayBuffer = new ReplayBuffer(body, this);
  }

  #stopBuffering(): void {
    if (!this.#replayBuffer) return;
    this.#replayBuffer.stop();
    this.#replayBuffer = undefined;
    this.#dependencies.clientLimits.release('pendingBodies', this.#client);
  }

  onBodyBytes(bytes: number): boolean {
    if (this.#bufferedBytes + bytes > this.#bodyLimitBytes) {
      this.#refuse(tooLarge(), 'refused');
      return false;
    }
    const limit = this.#dependencies.clientLimits.tryAcquire('bodyBytes', this.#client, bytes);
    if (limit) {
      this.#refuse(limitReached(limit, this.#route), 'shed');
      return false;
    }
    this.#bufferedBytes += bytes;
    return true;
  }

  onBodyBuffered(chunks: readonly Buffer[], isWhole: boolean): void {
    this.#stopBuffering();
    if (isWhole) this.#bufferedBody = Buffer.concat(chunks);
    else this.#bodyStart = chunks;
    const limit = isWhole ? undefined : this.#dependencies.clientLimits.tryAcquire('uploads', this.#client);
    this.#isUpload = !isWhole && !limit;
    if (limit) this.#refuse(limitReached(limit, this.#route), 'shed');
    else if (!this.#service.concurrencyLimit.tryAcquire()) this.#refuse(overloaded(this.#route), 'shed');
    else {
      this.#countsAsInFlight = true;
      this.#sentAt = performance.now();
      this.#deadlines.startAttempts(this.#sentAt);
      this.#forward();
    }
  }

  #forward(): void {
    this.#service.budget.countRequest();
    this.#startAttempts();
  }

  #startAttempts(): void {
    if (this.#attemptNext()) return;
    if (this.#attempts.hasStarted) this.#refuse(serviceUnavailable(this.#route), 'unavailable');
    else this.#refreshAndAttempt();
  }

  /**
   * Ends an overdue request. The client may be slow to send it or to read the response, or the instance slow to
   * respond.
   */
  onTimeout(): void {
    if (this.#outcome !== undefined) {
      // The client cannot take it before the responses that come before it.
      if (this.#response.isDue || !this.#deadlines.waitInQueue()) this.#response.destroy();
      return;
    }
    this.#deadlines.restart();
    if (this.#isAwaitingBody()) this.#abort(requestTimeout(), 'refused');
    else this.#abort(deadlineExceeded(), 'timeout');
  }

  /** Returns whether the gateway waits for the client to send the rest of the body. */
  #isAwaitingBody(): boolean {
    return this.#body !== undefined && !this.#body.complete && this.#body.readableFlowing === true;
  }

  #refreshAndAttempt(): void {
    this.#attemptAfterRefresh().catch((failure) => contain(this.#response, failure));
  }

  /**
   * Refreshes the list, because it may name a new instance, then makes an attempt. Used when no instance is known or
   * reachable.
   */
  async #attemptAfterRefresh(): Promise<void> {
    this.#hasRefreshed = true;
    await this.#dependencies.discoveryRefresh.refreshWithin(REFRESH_DEADLINE_MILLIS);
    if (this.#outcome === undefined && !this.#attemptNext())
      this.#refuse(serviceUnavailable(this.#route), 'unavailable');
  }

  /** Sends the request to an instance that it has not tried. Returns false when none is left. */
  #attemptNext(): boolean {
    this.#attempt = this.#attempts.next(this);
    if (!this.#attempt) return false;
    this.#send(this.#attempt);
    return true;
  }

  #send(next: Attempt): void {
    try {
      next.send(this.#request.method ?? 'GET', this.#headFor(next), this.#bodyToSend());
    } catch (error) {
      if (!(error instanceof UnsendableRequest)) throw error;
      next.abandon();
      this.#refuse(unsendable(), 'refused');
    }
  }

  /** @throws UnsendableRequest */
  #headFor({ host }: Attempt): string {
    const { method = 'GET', url = '/', memo } = this.#request;
    const fields = {
      requestId: this.#requestId,
      traceparent: this.#trace.traceparent,
      forwarding: this.#dependencies.forwarding,
    };
    if (memo && !this.#filterRun) {
      return serializePlainRequestHead({ method, path: url, host }, forwardedRequestLines(this.#request, memo, fields));
    }
    const headers = forwardedRequestHeaders(this.#request, fields);
    const path = this.#filterRun ? this.#filterRun.onUpstreamRequest(headers) : url;
    this.#hasIdempotencyKey = IDEMPOTENCY_KEY_METHODS.has(method) && hasIdempotencyKey(headers);
    return serializeRequestHead({ method, path, host }, headers, this.#bodyLength());
  }

  #bodyLength(): number | 'chunked' | undefined {
    if (!this.#body) return undefined;
    return this.#bufferedBody?.length ?? contentLengthOf(this.#body) ?? 'chunked';
  }

  #bodyToSend(): Buffer | RequestBody | undefined {
    if (!this.#body) return undefined;
    return this.#bufferedBody ?? new RequestBody(this.#body, this, this.#bodyLimitBytes, this.#bodyStart);
  }

  onBodyProgress(): void {
    this.#deadlines.onProgress();
    this.#sentAt = performance.now();
  }

  onBodyTooLarge(): void {
    this.#abort(tooLarge(), 'refused');
  }

  onHead(head: ParsedResponseHead): void {
    if (isFailureStatus(head.status) && this.#retryInstead(head)) return;
    const now = performance.now();
    this.#endInFlight(now);
    this.#releaseBody();
    const { headers, status, connection } = head;
    const list = forwardedResponseHeaders(headers, connection, this.#requestId);
    const sentStatus = this.#filterRun ? this.#filterRun.onResponse(status, list, true) : status;
    this.#forwardsBody = frameResponse(list, { method: this.#request.method, received: status, sent: sentStatus });
    if (this.#dependencies.isDraining()) list.push('connection', 'close');
    this.#response.writeHead(sentStatus, list);
    if (isEventStream(headers)) this.#beginStream();
    else this.#deadlines.startResponse(now);
  }

  /** Retries on another instance, if one exists, instead of forwarding a failure response to the client. */
  #retryInstead(start: ParsedResponseHead): boolean {
    if (!this.#isRetryable()) return false;
    const failed = this.#attempt;
    const next = this.#nextForRetry();
    if (!next) return false;
    failed?.discard(start);
    this.#sendWithJitter(next);
    return true;
  }

  #sendWithJitter(next: Attempt): void {
    this.#attempt = next;
    const send = guarded(this.#response, () => {
      if (this.#outcome === undefined) this.#send(next);
    });
    setTimeout(send, Math.random() * MAX_JITTER_MILLIS);
  }

  #beginStream(): void {
    this.#deadlines.startStream();
    this.#dependencies.streams.add(this);
    if (this.#dependencies.isClosing()) this.endStream();
  }

  /** Ends an endless stream. The client reconnects to another gateway. */
  endStream(): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = 'proxied';
    this.#response.end();
    this.#attempt?.abandon();
  }

  onData(chunk: Buffer): void {
    this.#deadlines.onProgress();
    if (!this.#forwardsBody) return;
    const { bytes, release } = copyChunk(chunk);
    if (!this.#response.write(bytes, release)) this.#attempt?.pause();
  }

  onResponseDrained(): void {
    this.#attempt?.resume();
  }

  /** Sends what is known, however long the rest takes. */
  onPause(): void {
    this.#response.flush();
  }

  onEnd(last: Buffer | undefined): void {
    this.#outcome = 'proxied';
    this.#response.end(this.#forwardsBody ? last : undefined);
  }

  onFailure(wasSent: boolean): void {
    if (this.#response.status !== undefined) this.#abort(serviceUnavailable(this.#route), 'aborted');
    else if (wasSent) this.#retry();
    else this.#attemptAnother();
  }

  /** Attempts another instance. Nothing was sent, so nothing is repeated, and no retry budget is needed. */
  #attemptAnother(): void {
    this.#dependencies.discoveryRefresh.trigger();
    if (this.#attemptNext()) return;
    if (this.#hasRefreshed) this.#refuse(serviceUnavailable(this.#route), 'unavailable');
    else this.#refreshAndAttempt();
  }

  #retry(): void {
    if (!this.#isRetryable()) {
      this.#refuse(outcomeUnknown(this.#route), 'unavailable');
      return;
    }
    const next = this.#nextForRetry();
    if (next) this.#sendWithJitter(next);
    else if (this.#hasRefreshed) this.#refuse(serviceUnavailable(this.#route), 'unavailable');
    else this.#refreshAndAttempt();
  }

  /** Returns an attempt on another instance. Returns undefined when none is left, or when the retry budget is spent. */
  #nextForRetry(): Attempt | undefined {
    const next = this.#attempts.next(this);
    if (next && this.#service.budget.tryRetry()) return next;
    next?.abandon();
    return undefined;
  }

  /** Returns whether a repetition is harmless and the whole request can be sent again. */
  #isRetryable(): boolean {
    if (!this.#body) return isSafe(this.#request) || this.#hasIdempotencyKey;
    return this.#hasIdempotencyKey && this.#bufferedBody !== undefined;
  }

  /** Ends the exchange. If the response has begun, only a broken connection reports that it is incomplete. */
  #abort(refusal: Refusal, outcome: Outcome): void {
    const hasBegun = this.#response.status !== undefined;
    if (hasBegun) {
      this.#outcome = outcome;
      this.#response.destroy();
    } else {
      this.#refuse(refusal, outcome);
    }
    this.#attempt?.abandon(outcome === 'timeout' && !hasBegun);
  }

  #refuse(refusal: Refusal, outcome: Outcome): void {
    this.#outcome = outcome;
    this.#stopBuffering();
    sendProblem(this.#response, refusal, {
      path: pathOf(this.#request),
      requestId: this.#requestId,
      traceId: this.#trace.traceId,
      filterRun: this.#filterRun,
    });
  }

  /** Sends the response of a filter instead of a service. */
  #sendLocalResponse({ status, headers }: LocalResponse): void {
    this.#outcome = 'local-response';
    const list = [...LOCAL_RESPONSE_HEADERS, ...headers, 'x-request-id', this.#requestId];
    this.#response.writeHead(this.#filterRun?.onResponse(status, list, false) ?? status, list);
    this.#response.end();
  }

  /** Releases the buffered body, because it is not sent again. */
  #releaseBody(): void {
    if (this.#bufferedBytes === 0) return;
    this.#bufferedBody = undefined;
    this.#dependencies.clientLimits.release('bodyBytes', this.#client, this.#bufferedBytes);
    this.#bufferedBytes = 0;
  }

  /** Stops counting the request as in flight. From here on the service only sends what it has. */
  #endInFlight(now: number): void {
    if (!this.#countsAsInFlight) return;
    this.#countsAsInFlight = false;
    this.#service.concurrencyLimit.recordLatency(now - this.#sentAt);
    this.#service.concurrencyLimit.release();
  }

  /** Ends every exchange: the response is sent, or the client is gone. */
  onResponseClosed(): void {
    const now = performance.now();
    this.#deadlines.stop();
    this.#endInFlight(now);
    this.#stopBuffering();
    this.#releaseBody();
    if (this.#isUpload) this.#dependencies.clientLimits.release('uploads', this.#client);
    this.#dependencies.clientLimits.release('requests', this.#client);
    this.#dependencies.streams.delete(this);
    if (this.#outcome === undefined || (this.#outcome === 'proxied' && !this.#response.isSent)) {
      this.#outcome = 'client-closed-request';
      this.#attempt?.abandon();
    }
    if (this.#dependencies.isDraining()) this.#response.closeConnection();
    this.#dependencies.report({
      method: this.#request.method ?? 'GET',
      route: this.#route.id,
      outcome: this.#outcome,
      status: this.#response.status ?? CLIENT_CLOSED_REQUEST_STATUS,
      durationMillis: now - this.#startedAt,
      requestId: this.#requestId,
      traceId: this.#trace.traceId,
    });
  }
}

const isSafe = ({ method }: ClientRequest): boolean => method === 'GET' || method === 'HEAD';

function isEventStream(headers: readonly string[]): boolean {
  const index = headers.indexOf('content-type');
  return index !== -1 && EVENT_STREAM.test(headers[index + 1] ?? '');
}
