/** Carries one request through the gateway: at most three attempts, one response, and an end in bounded time. */
import type { IncomingMessage } from 'node:http';
import { Refusal } from '@daybook/contracts';
import { contain, crossSite, guarded, requestTimeout } from '@daybook/service';
import type { Authenticated } from '../authentication/authentication.ts';
import { rememberCaller } from '../authentication/verified-callers.ts';
import { FilterRun } from '../filters/chain.ts';
import type { ClientExchange, ClientResponse, ResponseOwner } from '../http/client-exchange.ts';
import { ALL_CREDENTIALS, type ForwardedCredentials, OWN_CREDENTIALS } from '../http/forwarded-credentials.ts';
import { BODY_LIMIT_BYTES } from '../http/request-body.ts';
import { frameResponse } from '../http/response-framing.ts';
import type { LimitReached } from '../resilience/client-limits.ts';
import type { CompiledRoute } from '../routes/compiler.ts';
import type { LocalResponse } from '../routes/filter.ts';
import { timeoutsOf } from '../routes/timeouts.ts';
import { copyChunk } from '../upstream/chunk-pool.ts';
import type { ParsedResponseHead } from '../upstream/response-parser.ts';
import type { Outcome } from './access-log.ts';
import { isFailureStatus } from './attempt.ts';
import { Attempts, type AttemptsOwner } from './attempts.ts';
import { type DeadlineOwner, Deadlines } from './deadlines.ts';
import { deadlineExceeded, limitReached, overloaded, serviceUnavailable, tooLarge } from './errors.ts';
import type { EndlessStream, ExchangeDependencies, ServiceState } from './exchange-dependencies.ts';
import { forwardedResponseHeaders } from './headers.ts';
import { localOutcomeOf, sendLocalResponse } from './local-response.ts';
import { BUFFER_MILLIS, ReplayBuffer, type ReplayBufferOwner } from './replay-buffer.ts';

/** nginx logs this status when the client does not wait for the response. */
const CLIENT_CLOSED_REQUEST_STATUS = 499;
const EVENT_STREAM = /^text\/event-stream\b/i;

export class Exchange implements AttemptsOwner, ReplayBufferOwner, DeadlineOwner, ResponseOwner, EndlessStream {
  readonly #dependencies: ExchangeDependencies;
  readonly #service: ServiceState;
  readonly #route: CompiledRoute;
  /** The client whose limits count. */
  readonly #client: string;
  readonly #clientExchange: ClientExchange;
  readonly #response: ClientResponse;
  readonly #startedAt = performance.now();
  /** When the gateway began to wait for the instance. */
  #sentAt = this.#startedAt;
  readonly #deadlines: Deadlines;
  readonly #attempts: Attempts;
  /** Undefined where the route has no filters. */
  readonly #filterRun: FilterRun | undefined;
  /** Undefined without a body. */
  #replayBuffer: ReplayBuffer | undefined;
  #forwardsBody = true;
  #countsAsInFlight: boolean;
  #credentials: ForwardedCredentials = OWN_CREDENTIALS;
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
    const { request, body, response } = clientExchange;
    this.#dependencies = dependencies;
    this.#service = service;
    this.#route = route;
    this.#client = client;
    this.#clientExchange = clientExchange;
    this.#response = response;
    this.#countsAsInFlight = body === undefined;
    this.#filterRun = route.chain && new FilterRun(route.chain, request);
    this.#attempts = new Attempts(dependencies, service.budget, route, clientExchange, this.#filterRun, this);
    this.#deadlines = new Deadlines(dependencies.deadlineWatch, timeoutsOf(route), this.#startedAt, this);
    response.setOwner(this);
  }

  begin(): void {
    const { request } = this.#clientExchange;
    const { siteCheck, authentication } = this.#dependencies;
    if (siteCheck.rejects(this.#route, request)) {
      this.#respondLocally(crossSite(), 'refused');
      return;
    }
    // Identity reads the credentials itself.
    if (this.#route.isOfIdentity) {
      this.#forward({ caller: undefined, credentials: ALL_CREDENTIALS });
      return;
    }
    const result = authentication.authenticate(request, { client: this.#client });
    if (result instanceof Promise) this.#awaitCaller(result);
    else this.#onAuthenticated(result);
  }

  /**
   * Holds the request until its caller is known. Meanwhile it does not count as a request to the service, whose latency
   * would seem to grow.
   */
  #awaitCaller(pending: Promise<Authenticated | Refusal>): void {
    const { response } = this.#clientExchange;
    if (this.#countsAsInFlight) this.#service.concurrencyLimit.release();
    this.#countsAsInFlight = false;
    const onResult = guarded(response, (result: Authenticated | Refusal): void => {
      if (this.#outcome !== undefined) return;
      if (result instanceof Refusal || this.#clientExchange.body || this.#tryCountAsInFlight()) {
        this.#onAuthenticated(result);
      }
    });
    pending.then(onResult, (failure: unknown) => contain(response, failure));
  }

  #onAuthenticated(result: Authenticated | Refusal): void {
    if (result instanceof Refusal) this.#respondLocally(result, 'refused');
    else this.#forward(result);
  }

  #forward({ caller, credentials }: Authenticated): void {
    const { request, body } = this.#clientExchange;
    this.#credentials = credentials;
    if (caller && this.#filterRun) rememberCaller(request, caller);
    const local = this.#filterRun?.onRequest();
    if (local) this.#respondLocally(local, localOutcomeOf(local));
    else if (body) this.#bufferBody(body);
    else this.#attempts.start(undefined, credentials);
  }

  /** Counts the request against the limit of the service, or responds that there are too many. */
  #tryCountAsInFlight(): boolean {
    if (!this.#service.concurrencyLimit.tryAcquire()) {
      this.#respondLocally(overloaded(this.#route), 'shed');
      return false;
    }
    this.#countsAsInFlight = true;
    this.#sentAt = performance.now();
    return true;
  }

  get hasOutcome(): boolean {
    return this.#outcome !== undefined;
  }

  /** Buffers the body first. Until then, no instance is selected and the limit of the service does not count. */
  #bufferBody(body: IncomingMessage): void {
    const limitBytes = this.#route.chain?.bodyLimitBytes ?? BODY_LIMIT_BYTES;
    const { clientLimits } = this.#dependencies;
    this.#replayBuffer = new ReplayBuffer(body, limitBytes, clientLimits, this.#client, this);
    if (this.#replayBuffer.start()) this.#deadlines.startBody(BUFFER_MILLIS);
  }

  onBodyBuffered(): void {
    if (!this.#tryCountAsInFlight()) return;
    this.#deadlines.startAttempts(this.#sentAt);
    this.#attempts.start(this.#replayBuffer, this.#credentials);
  }

  onBodyProgress(): void {
    this.#deadlines.onProgress();
    this.#sentAt = performance.now();
  }

  onBodyTooLarge(): void {
    this.#abort(tooLarge(), 'refused');
  }

  onLimitReached(limit: LimitReached): void {
    this.#respondLocally(limitReached(limit, this.#route), 'shed');
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
    if (this.#replayBuffer?.isAwaited) this.#abort(requestTimeout(), 'refused');
    else this.#abort(deadlineExceeded(), 'timeout');
  }

  onHead(head: ParsedResponseHead): void {
    if (isFailureStatus(head.status) && this.#attempts.retryInstead(head)) return;
    const now = performance.now();
    this.#endInFlight(now);
    this.#replayBuffer?.release();
    const { request, requestId } = this.#clientExchange;
    const { headers, status, connection } = head;
    const list = forwardedResponseHeaders(headers, connection, requestId);
    const sentStatus = this.#filterRun ? this.#filterRun.onResponse(status, list, true) : status;
    this.#forwardsBody = frameResponse(list, { method: request.method, received: status, sent: sentStatus });
    if (this.#dependencies.isDraining()) list.push('connection', 'close');
    this.#response.writeHead(sentStatus, list);
    if (isEventStream(headers)) this.#beginStream();
    else this.#deadlines.startResponse(now);
  }

  #beginStream(): void {
    this.#deadlines.startStream();
    this.#dependencies.streams.add(this);
    if (this.#dependencies.isClosing()) this.endStream();
  }

  endStream(): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = 'proxied';
    this.#response.end();
    this.#attempts.abandon();
  }

  onData(chunk: Buffer): void {
    this.#deadlines.onProgress();
    if (!this.#forwardsBody) return;
    const { bytes, release } = copyChunk(chunk);
    if (!this.#response.write(bytes, release)) this.#attempts.pause();
  }

  onResponseDrained(): void {
    this.#attempts.resume();
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
    if (this.#response.status === undefined) this.#attempts.onFailure(wasSent);
    else this.#abort(serviceUnavailable(this.#route), 'aborted');
  }

  onGivenUp(refusal: Refusal, outcome: Outcome): void {
    this.#respondLocally(refusal, outcome);
  }

  /** Ends the exchange. If the response has begun, only a broken connection reports that it is incomplete. */
  #abort(refusal: Refusal, outcome: Outcome): void {
    const hasBegun = this.#response.status !== undefined;
    if (hasBegun) {
      this.#outcome = outcome;
      this.#response.destroy();
    } else {
      this.#respondLocally(refusal, outcome);
    }
    this.#attempts.abandon(outcome === 'timeout' && !hasBegun);
  }

  /** Ends the exchange with a response of the gateway or of a filter, instead of a service's response. */
  #respondLocally(local: Refusal | LocalResponse, outcome: Outcome): void {
    this.#outcome = outcome;
    this.#replayBuffer?.stop();
    sendLocalResponse(this.#response, local, { ...this.#clientExchange, filterRun: this.#filterRun });
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
    this.#replayBuffer?.close();
    this.#dependencies.clientLimits.release('requests', this.#client);
    this.#dependencies.streams.delete(this);
    if (this.#outcome === undefined || (this.#outcome === 'proxied' && !this.#response.isSent)) {
      this.#outcome = 'client-closed-request';
      this.#attempts.abandon();
    }
    if (this.#dependencies.isDraining()) this.#response.closeConnection();
    this.#report(this.#outcome, now);
  }

  #report(outcome: Outcome, now: number): void {
    const { request, requestId, trace } = this.#clientExchange;
    this.#dependencies.report({
      method: request.method ?? 'GET',
      route: this.#route.id,
      outcome,
      status: this.#response.status ?? CLIENT_CLOSED_REQUEST_STATUS,
      durationMillis: now - this.#startedAt,
      requestId,
      traceId: trace.traceId,
    });
  }
}

function isEventStream(headers: readonly string[]): boolean {
  const index = headers.indexOf('content-type');
  return index !== -1 && EVENT_STREAM.test(headers[index + 1] ?? '');
}
