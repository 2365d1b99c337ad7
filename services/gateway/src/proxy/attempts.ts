/** Selects the instances for the attempts of one request. An instance is never selected twice. */
import type { Balancer, Instance, Selection } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import type { FailureKind, OutlierDetection } from '../resilience/outlier-detection.ts';
import type { Route } from '../routes/route.ts';
import { timeoutsOf } from '../routes/timeouts.ts';
import type { BodyStream, Connection, UpstreamRequest } from '../upstream/connection.ts';
import type { ParsedResponseHead } from '../upstream/response-parser.ts';
import type { Upstream, Upstreams } from '../upstream/upstreams.ts';
import { errorCodeOf } from './errors.ts';

const MAX_ATTEMPTS = 3;
/** How much of a discarded response is read, so that its connection can be used again. */
const MAX_DISCARDED_BYTES = 64 * 1024;
const UNUSABLE = 'address not usable';
/** Something at or behind the instance is unavailable; another instance may have it. */
const FAILURE_STATUSES = new Set([502, 503, 504]);
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ConnectTimeout',
]);

export interface AttemptDependencies {
  readonly logger: Pick<Logger, 'warn'>;
  readonly balancer: Balancer;
  readonly upstreams: Upstreams;
  readonly outlierDetection: OutlierDetection;
}

/** The owner of an attempt. It receives the events of the current attempt only. */
export interface AttemptOwner {
  onHead(start: ParsedResponseHead): void;
  /** The bytes are valid during the call only. */
  onData(chunk: Buffer): void;
  onEnd(last: Buffer | undefined): void;
  onPause(): void;
  /** `wasSent`: the instance may have handled the request. */
  onFailure(wasSent: boolean): void;
}

export class Attempts {
  readonly #dependencies: AttemptDependencies;
  readonly #route: Route;
  readonly #requestId: string;
  readonly #isRepeatable: boolean;
  #attempted: Set<string> | undefined;
  #lastInstanceId: string | undefined;

  constructor(dependencies: AttemptDependencies, route: Route, requestId: string, isRepeatable: boolean) {
    this.#dependencies = dependencies;
    this.#route = route;
    this.#requestId = requestId;
    this.#isRepeatable = isRepeatable;
  }

  /** Whether an instance was selected. */
  get hasStarted(): boolean {
    return this.#lastInstanceId !== undefined;
  }

  /** Selects the next instance, which counts as busy until the attempt ends. Returns undefined when none is left. */
  next(owner: AttemptOwner): Attempt | undefined {
    for (let selection = this.#pick(); selection; selection = this.#pick()) {
      const { instance } = selection;
      const upstream = this.#dependencies.upstreams.of(instance.url, timeoutsOf(this.#route).connectMillis);
      if (upstream?.tryAcquire()) {
        this.#dependencies.outlierDetection.recordAttempt(instance);
        return new Attempt(this, owner, selection, upstream);
      }
      selection.release();
      this.logFailure(instance, upstream ? 'too many requests in flight' : UNUSABLE);
    }
    return undefined;
  }

  /** Selects the next instance for a WebSocket. The caller must release it and record its end. */
  nextInstance(): Selection | undefined {
    for (let lease = this.#pick(); lease; lease = this.#pick()) {
      const { instance } = lease;
      if (this.#dependencies.upstreams.isUsable(instance.url)) {
        this.#dependencies.outlierDetection.recordAttempt(instance);
        return lease;
      }
      lease.release();
      this.logFailure(instance, UNUSABLE);
    }
    return undefined;
  }

  /** Records a failure of an instance. */
  recordFailure(instance: Instance, reason: string, failure: FailureKind): void {
    this.#dependencies.outlierDetection.recordFailure(instance, failure);
    this.logFailure(instance, reason);
  }

  recordSuccess(instance: Instance): void {
    this.#dependencies.outlierDetection.recordSuccess(instance);
  }

  recordEnd(instance: Instance): void {
    this.#dependencies.outlierDetection.recordEnd(instance);
  }

  logFailure({ instanceId }: Instance, reason: string): void {
    const { id: route } = this.#route;
    this.#dependencies.logger.warn({ route, instanceId, reason, requestId: this.#requestId }, 'attempt failed');
  }

  #pick(): Selection | undefined {
    const { balancer, outlierDetection } = this.#dependencies;
    const { service } = this.#route;
    // The set is created for the second attempt, because most requests have only one.
    if (this.#lastInstanceId !== undefined) {
      this.#attempted ??= new Set();
      this.#attempted.add(this.#lastInstanceId);
      if (this.#attempted.size >= MAX_ATTEMPTS) return undefined;
    }
    const ejected = outlierDetection.ejectedOf(service, this.#isRepeatable);
    const excluded =
      this.#attempted && ejected.size > 0 ? ejected.union(this.#attempted) : (this.#attempted ?? ejected);
    let lease = balancer.pick(service, excluded);
    // An instance that failed recently is better than none.
    if (!lease && ejected.size > 0) lease = balancer.pick(service, this.#attempted);
    this.#lastInstanceId = lease?.instance.instanceId ?? this.#lastInstanceId;
    return lease;
  }
}

/** One attempt of a request on one instance. */
export class Attempt implements UpstreamRequest {
  readonly #attempts: Attempts;
  #owner: AttemptOwner | undefined;
  readonly #selection: Selection;
  readonly #upstream: Upstream;
  /** Set when the request is sent. */
  #connection: Connection | undefined;
  #isFinished = false;
  method = 'GET';
  head = '';
  body: Buffer | BodyStream | undefined;

  constructor(attempts: Attempts, owner: AttemptOwner, selection: Selection, upstream: Upstream) {
    this.#attempts = attempts;
    this.#owner = owner;
    this.#selection = selection;
    this.#upstream = upstream;
  }

  /** The instance's `Host` value. */
  get host(): string {
    return this.#upstream.host;
  }

  send(method: string, head: string, body: Buffer | BodyStream | undefined): void {
    this.method = method;
    this.head = head;
    this.body = body;
    this.#upstream.send(this);
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  /** Abandons the attempt because its response is no longer needed; `hasTimedOut` when the response is overdue. */
  abandon(hasTimedOut = false): void {
    if (this.#isFinished || !this.#owner) return;
    this.#owner = undefined;
    const { instance } = this.#selection;
    if (hasTimedOut) this.#attempts.recordFailure(instance, 'no response in time', 'failing');
    // Where a connection exists or will exist, its end also ends the attempt.
    if (this.#connection) this.#connection.destroy();
    else if (this.head === '' || this.#upstream.cancel(this)) this.#finish();
  }

  /** Discards a failure response, because another instance gets the request. */
  discard({ status, length }: ParsedResponseHead): void {
    this.#owner = undefined;
    this.#attempts.recordFailure(this.#selection.instance, `status ${status}`, 'failing');
    if (length === undefined || length > MAX_DISCARDED_BYTES) this.#connection?.destroy();
  }

  onSend(connection: Connection): void {
    this.#connection = connection;
    if (!this.#owner) connection.destroy();
  }

  onHead(start: ParsedResponseHead): void {
    this.#owner?.onHead(start);
    // The response was discarded if no owner is left.
    if (!this.#owner) return;
    const { instance } = this.#selection;
    if (FAILURE_STATUSES.has(start.status)) this.#attempts.recordFailure(instance, `status ${start.status}`, 'failing');
    else this.#attempts.recordSuccess(instance);
  }

  onData(chunk: Buffer): void {
    this.#owner?.onData(chunk);
  }

  onEnd(last: Buffer | undefined): void {
    this.#finish();
    this.#owner?.onEnd(last);
  }

  onPause(): void {
    this.#owner?.onPause();
  }

  onFailure(error: Error): void {
    const owner = this.#owner;
    if (owner) {
      this.#attempts.recordFailure(this.#selection.instance, errorCodeOf(error), failureKindOf(error));
    }
    this.#finish();
    owner?.onFailure(this.#connection !== undefined);
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#attempts.recordEnd(this.#selection.instance);
    this.#upstream.release();
    this.#selection.release();
  }
}

export const failureKindOf = (error: Error): FailureKind =>
  UNREACHABLE.has(errorCodeOf(error)) ? 'unreachable' : 'failing';

export const isFailureStatus = (status: number): boolean => FAILURE_STATUSES.has(status);
