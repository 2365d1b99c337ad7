/** Makes the attempts of one request, at most three, and repeats only what is safe to repeat. */
import type { Refusal } from '@daybook/contracts';
import type { RetryBudget } from '@daybook/discovery';
import { contain, guarded } from '@daybook/service';
import type { FilterRun } from '../filters/chain.ts';
import type { ClientExchange, ClientRequest } from '../http/client-exchange.ts';
import { type ForwardedCredentials, OWN_CREDENTIALS } from '../http/forwarded-credentials.ts';
import { serializePlainRequestHead, serializeRequestHead, UnsendableRequest } from '../http/request-head.ts';
import type { Route } from '../routes/route.ts';
import { timeoutsOf } from '../routes/timeouts.ts';
import type { ParsedResponseHead } from '../upstream/response-parser.ts';
import type { Outcome } from './access-log.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { outcomeUnknown, serviceUnavailable, unsendable } from './errors.ts';
import type { ExchangeDependencies } from './exchange-dependencies.ts';
import { forwardedRequestHeaders, forwardedRequestLines, hasIdempotencyKey } from './headers.ts';
import { InstanceSelector, UNUSABLE } from './instance-selector.ts';
import type { ReplayBuffer } from './replay-buffer.ts';

const REFRESH_DEADLINE_MILLIS = 1_000;
/** Spreads the requests of a failed instance over time, so that they do not all reach the next one simultaneously. */
const MAX_JITTER_MILLIS = 25;
/** Services handle a request with a key once for these methods. A PATCH route does not store its first response. */
const IDEMPOTENCY_KEY_METHODS = new Set(['POST']);

export interface AttemptsOwner extends AttemptOwner {
  /** Whether the exchange has an outcome, so that it needs no other attempt. */
  readonly hasOutcome: boolean;
  /** Called when no other attempt follows. */
  onGivenUp(refusal: Refusal, outcome: Outcome): void;
}

/** Extends the selector instead of holding one, because every request would pay for a second object. */
export class Attempts extends InstanceSelector {
  readonly #dependencies: ExchangeDependencies;
  readonly #budget: RetryBudget;
  readonly #route: Route;
  readonly #clientExchange: ClientExchange;
  readonly #filterRun: FilterRun | undefined;
  readonly #owner: AttemptsOwner;
  #body: ReplayBuffer | undefined;
  #credentials: ForwardedCredentials = OWN_CREDENTIALS;
  #current: Attempt | undefined;
  /** Whether the last attempt sent an idempotency key to the service. */
  #hasIdempotencyKey = false;
  #hasRefreshed = false;

  constructor(
    dependencies: ExchangeDependencies,
    budget: RetryBudget,
    route: Route,
    clientExchange: ClientExchange,
    filterRun: FilterRun | undefined,
    owner: AttemptsOwner,
  ) {
    const { request, body, requestId } = clientExchange;
    super(dependencies, route, requestId, isSafe(request) && body === undefined);
    this.#dependencies = dependencies;
    this.#budget = budget;
    this.#route = route;
    this.#clientExchange = clientExchange;
    this.#filterRun = filterRun;
    this.#owner = owner;
  }

  /** Makes the first attempt. `body` is undefined for a request without one. */
  start(body: ReplayBuffer | undefined, credentials: ForwardedCredentials): void {
    this.#body = body;
    this.#credentials = credentials;
    this.#budget.countRequest();
    if (this.#attemptNext()) return;
    if (this.hasSelected) this.#giveUp();
    else this.#refreshAndAttempt();
  }

  /** Makes another attempt after a failure before the response. `wasSent`: the instance may have handled the request. */
  onFailure(wasSent: boolean): void {
    if (wasSent) this.#retry();
    else this.#attemptAnother();
  }

  /** Retries on another instance, if one exists, instead of forwarding a failure response to the client. */
  retryInstead(head: ParsedResponseHead): boolean {
    if (!this.#isRetryable()) return false;
    const failed = this.#current;
    const next = this.#nextForRetry();
    if (!next) return false;
    failed?.discard(head);
    this.#sendWithJitter(next);
    return true;
  }

  /** Stops reading the response for now. */
  pause(): void {
    this.#current?.pause();
  }

  resume(): void {
    this.#current?.resume();
  }

  /** Abandons the current attempt; `hasTimedOut` when its response is overdue. */
  abandon(hasTimedOut = false): void {
    this.#current?.abandon(hasTimedOut);
  }

  /** Attempts another instance. Nothing was sent, so nothing is repeated, and no retry budget is needed. */
  #attemptAnother(): void {
    this.#dependencies.discoveryRefresh.trigger();
    if (this.#attemptNext()) return;
    if (this.#hasRefreshed) this.#giveUp();
    else this.#refreshAndAttempt();
  }

  #retry(): void {
    if (!this.#isRetryable()) {
      this.#owner.onGivenUp(outcomeUnknown(this.#route), 'unavailable');
      return;
    }
    const next = this.#nextForRetry();
    if (next) this.#sendWithJitter(next);
    else if (this.#hasRefreshed) this.#giveUp();
    else this.#refreshAndAttempt();
  }

  /** Returns whether a repetition is harmless and the whole request can be sent again. */
  #isRetryable(): boolean {
    if (!this.#body) return isSafe(this.#clientExchange.request) || this.#hasIdempotencyKey;
    return this.#hasIdempotencyKey && this.#body.isWhole;
  }

  /** Returns an attempt on another instance. Returns undefined when none is left, or when the retry budget is spent. */
  #nextForRetry(): Attempt | undefined {
    const next = this.#next();
    if (next && this.#budget.tryRetry()) return next;
    next?.abandon();
    return undefined;
  }

  #refreshAndAttempt(): void {
    this.#attemptAfterRefresh().catch((failure) => contain(this.#clientExchange.response, failure));
  }

  /**
   * Refreshes the list, because it may name a new instance, then makes an attempt. Used when no instance is known or
   * reachable.
   */
  async #attemptAfterRefresh(): Promise<void> {
    this.#hasRefreshed = true;
    await this.#dependencies.discoveryRefresh.refreshWithin(REFRESH_DEADLINE_MILLIS);
    if (!this.#owner.hasOutcome && !this.#attemptNext()) this.#giveUp();
  }

  #giveUp(): void {
    this.#owner.onGivenUp(serviceUnavailable(this.#route), 'unavailable');
  }

  /** Sends the request to an instance that it has not tried. Returns false when none is left. */
  #attemptNext(): boolean {
    this.#current = this.#next();
    if (!this.#current) return false;
    this.#send(this.#current);
    return true;
  }

  /** Selects the next instance, which counts as busy until the attempt ends. Returns undefined when none is left. */
  #next(): Attempt | undefined {
    for (let selection = this.select(); selection; selection = this.select()) {
      const { instance } = selection;
      const upstream = this.#dependencies.upstreams.of(instance.url, timeoutsOf(this.#route).connectMillis);
      if (upstream?.tryAcquire()) {
        this.recordAttempt(instance);
        return new Attempt(this, this.#owner, selection, upstream);
      }
      selection.release();
      this.logFailure(instance, upstream ? 'too many requests in flight' : UNUSABLE);
    }
    return undefined;
  }

  #sendWithJitter(next: Attempt): void {
    this.#current = next;
    const send = guarded(this.#clientExchange.response, () => {
      if (!this.#owner.hasOutcome) this.#send(next);
    });
    setTimeout(send, Math.random() * MAX_JITTER_MILLIS);
  }

  #send(next: Attempt): void {
    try {
      next.send(this.#clientExchange.request.method ?? 'GET', this.#headFor(next), this.#body?.toSend());
    } catch (error) {
      if (!(error instanceof UnsendableRequest)) throw error;
      next.abandon();
      this.#owner.onGivenUp(unsendable(), 'refused');
    }
  }

  /** @throws UnsendableRequest */
  #headFor({ host }: Attempt): string {
    const { request, requestId, trace } = this.#clientExchange;
    const { method = 'GET', url = '/', memo } = request;
    const { forwarding } = this.#dependencies;
    const fields = { requestId, traceparent: trace.traceparent, forwarding, credentials: this.#credentials };
    if (memo && !this.#filterRun) {
      return serializePlainRequestHead({ method, path: url, host }, forwardedRequestLines(request, memo, fields));
    }
    const headers = forwardedRequestHeaders(request, fields);
    const path = this.#filterRun ? this.#filterRun.onUpstreamRequest(headers) : url;
    this.#hasIdempotencyKey = IDEMPOTENCY_KEY_METHODS.has(method) && hasIdempotencyKey(headers);
    return serializeRequestHead({ method, path, host }, headers, this.#body?.length);
  }
}

const isSafe = ({ method }: ClientRequest): boolean => method === 'GET' || method === 'HEAD';
