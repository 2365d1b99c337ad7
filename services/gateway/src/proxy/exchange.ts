/** One request through the gateway: at most three tries, one answer, and an end in time. */
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
/** What nginx writes into its log when the client did not wait for the answer. */
const CLIENT_CLOSED_REQUEST_STATUS = 499;
/** So that the requests of an instance that broke do not all come to the next one at the same moment. */
const MAX_JITTER_MILLIS = 25;
/** Services do a request with a key once for these, however often it is sent. No route for PATCH keeps its first response. */
const IDEMPOTENCY_KEY_METHODS = new Set(['POST']);
const EVENT_STREAM = /^text\/event-stream\b/i;

/** What every exchange works with. */
export interface ExchangeDependencies extends AttemptDependencies {
  readonly discoveryRefresh: DiscoveryRefresh;
  readonly forwarding: Forwarding;
  readonly clientLimits: ClientLimits;
  readonly siteCheck: SiteCheck;
  readonly deadlineWatch: DeadlineWatch;
  readonly report: (report: ExchangeReport) => void;
  /** Whether clients are to be sent away after their answer. */
  readonly isDraining: () => boolean;
  /** Whether nothing is to begin that has no end of its own. */
  readonly isClosing: () => boolean;
  /** Streams that have no end of their own, for whoever closes the gateway. */
  readonly streams: Set<Exchange>;
}

/** What the exchanges with one service share. */
export interface ServiceState {
  readonly budget: RetryBudget;
  readonly concurrencyLimit: ConcurrencyLimit;
}

/** What a client asks, and the way back to it. */
export interface ClientExchange {
  readonly request: ClientRequest;
  /** Undefined for none. */
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
  /** Whose limits count. */
  readonly #client: string;
  readonly #requestId: string;
  readonly #trace: Trace;
  readonly #startedAt = performance.now();
  /** Since when it is the instance that is waited for. */
  #sentAt = this.#startedAt;
  readonly #deadlines: Deadlines;
  readonly #attempts: Attempts;
  /** Undefined where the route has no filters. */
  readonly #filterRun: FilterRun | undefined;
  #attempt: Attempt | undefined;
  /** As long as the first of the body has not come. */
  #replayBuffer: ReplayBuffer | undefined;
  #bufferedBytes = 0;
  #bufferedBody: Buffer | undefined;
  #bodyStart: readonly Buffer[] = [];
  #isUpload = false;
  /** Whether the service was sent a key with the last attempt. */
  #hasIdempotencyKey = false;
  #forwardsBody = true;
  #hasRefreshed = false;
  #countsAsInFlight: boolean;
  #outcome: Outcome | undefined;

  /** `client` has entered its limits; `asked` those of the service, unless it has a body. */
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

  /** No instance is asked, and no limit of the service counts, before the body is there. */
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

  /** The time is over: for the request to come, for an instance to answer, or, once it did, for the client to take it. */
  onTimeout(): void {
    if (this.#outcome !== undefined) {
      this.#response.destroy();
      return;
    }
    this.#deadlines.restart();
    if (this.#isAwaitingBody()) this.#abort(requestTimeout(), 'refused');
    else this.#abort(deadlineExceeded(), 'timeout');
  }

  /** Whether the rest of the body is wanted and the client does not send it. */
  #isAwaitingBody(): boolean {
    return this.#body !== undefined && !this.#body.complete && this.#body.readableFlowing === true;
  }

  #refreshAndAttempt(): void {
    this.#attemptAfterRefresh().catch((failure) => contain(this.#response, failure));
  }

  /** Where no instance is known, or none that is known can be reached, one may have come since the list was fetched. */
  async #attemptAfterRefresh(): Promise<void> {
    this.#hasRefreshed = true;
    await this.#dependencies.discoveryRefresh.refreshWithin(REFRESH_DEADLINE_MILLIS);
    if (this.#outcome === undefined && !this.#attemptNext())
      this.#refuse(serviceUnavailable(this.#route), 'unavailable');
  }

  /** Sends the request to an instance that was not tried before; false when there is none. */
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
    const sentStatus = this.#filterRun ? this.#filterRun.answer(status, list, true) : status;
    this.#forwardsBody = frameResponse(list, { method: this.#request.method, received: status, sent: sentStatus });
    if (this.#dependencies.isDraining()) list.push('connection', 'close');
    this.#response.writeHead(sentStatus, list);
    if (isEventStream(headers)) this.#beginStream();
    else this.#deadlines.startResponse(now);
  }

  /** Asks another instance, if there is one, before the client hears of an answer that is none. */
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

  /** Ends a stream that would go on; clients come back to where it is served. */
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

  /** The client is told what is known, however long the rest takes. */
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

  /** Nothing was sent, so that nothing can be done twice, and nobody does more for it. */
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

  /** Another instance, if there is one and retries are a small enough part of what the service is asked. */
  #nextForRetry(): Attempt | undefined {
    const next = this.#attempts.next(this);
    if (next && this.#service.budget.tryRetry()) return next;
    next?.abandon();
    return undefined;
  }

  /** Whether it does no harm to have it done twice, and all of it can be sent again. */
  #isRetryable(): boolean {
    if (!this.#body) return isSafe(this.#request) || this.#hasIdempotencyKey;
    return this.#hasIdempotencyKey && this.#bufferedBody !== undefined;
  }

  /** Ends what is under way. Where the answer has begun, a broken connection is the only way to say that it is not whole. */
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

  /** What a filter answers instead of a service. */
  #sendLocalResponse({ status, headers }: LocalResponse): void {
    this.#outcome = 'local-response';
    const list = [...LOCAL_RESPONSE_HEADERS, ...headers, 'x-request-id', this.#requestId];
    this.#response.writeHead(this.#filterRun?.answer(status, list, false) ?? status, list);
    this.#response.end();
  }

  /** It is not sent again. */
  #releaseBody(): void {
    if (this.#bufferedBytes === 0) return;
    this.#bufferedBody = undefined;
    this.#dependencies.clientLimits.release('bodyBytes', this.#client, this.#bufferedBytes);
    this.#bufferedBytes = 0;
  }

  /** What the service does from here on is to send what it has. */
  #endInFlight(now: number): void {
    if (!this.#countsAsInFlight) return;
    this.#countsAsInFlight = false;
    this.#service.concurrencyLimit.recordLatency(now - this.#sentAt);
    this.#service.concurrencyLimit.release();
  }

  /** The answer is out, or the client is gone: the end of every exchange. */
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
