/** The instances that one request is tried on, one after the other, never the same twice. */
import type { Balancer, Instance, Lease } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import type { Ejections, Failure } from './ejections.ts';
import { codeOf } from './failures.ts';
import type { Route } from './routes.ts';
import { timeoutsOf } from './timeouts.ts';
import type { AnswerStart } from './upstream/answer-parser.ts';
import type { BodyStream, Call, Connection } from './upstream/connection.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

const MAX_TRIES = 3;
/** What is read of an answer that nobody wants, so that its connection can be used again. */
const WORTH_READING_BYTES = 64 * 1024;
const UNUSABLE = 'its address cannot be used';
/** They say that something at or behind the instance is missing: another instance may have it. */
const FAILING = new Set([502, 503, 504]);
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ConnectTimeout',
]);

export interface TriesParts {
  readonly logger: Pick<Logger, 'warn'>;
  readonly balancer: Balancer;
  readonly upstreams: Upstreams;
  readonly ejections: Ejections;
}

/** Whoever has a request tried. Called for the try that is under way only. */
export interface TryOwner {
  onStart(start: AnswerStart): void;
  /** The bytes are there during the call only. */
  onData(chunk: Buffer): void;
  onEnd(last: Buffer | undefined): void;
  onPause(): void;
  /** `wasSent`: the instance may have done what was asked. */
  onFailure(wasSent: boolean): void;
}

export class Tries {
  readonly #parts: TriesParts;
  readonly #route: Route;
  readonly #requestId: string;
  readonly #mayRepeat: boolean;
  #tried: Set<string> | undefined;
  #last: string | undefined;

  constructor(parts: TriesParts, route: Route, requestId: string, mayRepeat: boolean) {
    this.#parts = parts;
    this.#route = route;
    this.#requestId = requestId;
    this.#mayRepeat = mayRepeat;
  }

  /** Whether an instance is known at all. */
  get hasBegun(): boolean {
    return this.#last !== undefined;
  }

  /** The next instance, which counts as busy until the try is over; undefined when there is none. */
  next(owner: TryOwner): Try | undefined {
    for (let lease = this.#pick(); lease; lease = this.#pick()) {
      const { instance } = lease;
      const upstream = this.#parts.upstreams.of(instance.url, timeoutsOf(this.#route).connectMillis);
      if (upstream?.tryEnter()) {
        this.#parts.ejections.asked(instance);
        return new Try(this, owner, lease, upstream);
      }
      lease.release();
      this.note(instance, upstream ? 'too busy' : UNUSABLE);
    }
    return undefined;
  }

  /** The next instance for what is no request; to be released, and said to be over. */
  instance(): Lease | undefined {
    for (let lease = this.#pick(); lease; lease = this.#pick()) {
      const { instance } = lease;
      if (this.#parts.upstreams.isUsable(instance.url)) {
        this.#parts.ejections.asked(instance);
        return lease;
      }
      lease.release();
      this.note(instance, UNUSABLE);
    }
    return undefined;
  }

  /** An instance did not do its part. */
  failed(instance: Instance, reason: string, failure: Failure): void {
    this.#parts.ejections.failed(instance, failure);
    this.note(instance, reason);
  }

  worked(instance: Instance): void {
    this.#parts.ejections.worked(instance);
  }

  over(instance: Instance): void {
    this.#parts.ejections.over(instance);
  }

  note({ instanceId }: Instance, reason: string): void {
    const { id: route } = this.#route;
    this.#parts.logger.warn({ route, instanceId, reason, requestId: this.#requestId }, 'an instance failed');
  }

  #pick(): Lease | undefined {
    const { balancer, ejections } = this.#parts;
    const { service } = this.#route;
    // The set is made for the second try: most requests have one.
    if (this.#last !== undefined) {
      this.#tried ??= new Set();
      this.#tried.add(this.#last);
      if (this.#tried.size >= MAX_TRIES) return undefined;
    }
    const out = ejections.outOf(service, this.#mayRepeat);
    const unfit = this.#tried && out.size > 0 ? out.union(this.#tried) : (this.#tried ?? out);
    let lease = balancer.pick(service, unfit);
    // Better one that failed lately than none.
    if (!lease && out.size > 0) lease = balancer.pick(service, this.#tried);
    this.#last = lease?.instance.instanceId ?? this.#last;
    return lease;
  }
}

/** One request on one instance. */
export class Try implements Call {
  readonly #tries: Tries;
  #owner: TryOwner | undefined;
  readonly #lease: Lease;
  readonly #upstream: Upstream;
  /** As soon as the request is being sent. */
  #connection: Connection | undefined;
  #isOver = false;
  method = 'GET';
  head = '';
  body: Buffer | BodyStream | undefined;

  constructor(tries: Tries, owner: TryOwner, lease: Lease, upstream: Upstream) {
    this.#tries = tries;
    this.#owner = owner;
    this.#lease = lease;
    this.#upstream = upstream;
  }

  /** What its instance is called by `Host`. */
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

  /** Nobody waits for the answer any more; `late` when it should have been there. */
  abandon(late = false): void {
    if (this.#isOver || !this.#owner) return;
    this.#owner = undefined;
    const { instance } = this.#lease;
    if (late) this.#tries.failed(instance, 'no answer in time', 'failing');
    // Where there is a connection, or will be, the end of that ends the try.
    if (this.#connection) this.#connection.destroy();
    else if (this.head === '' || this.#upstream.forget(this)) this.#over();
  }

  /** The instance says that it cannot, and another one is asked. */
  passOver({ status, length }: AnswerStart): void {
    this.#owner = undefined;
    this.#tries.failed(this.#lease.instance, `status ${status}`, 'failing');
    if (length === undefined || length > WORTH_READING_BYTES) this.#connection?.destroy();
  }

  onSend(connection: Connection): void {
    this.#connection = connection;
    if (!this.#owner) connection.destroy();
  }

  onStart(start: AnswerStart): void {
    this.#owner?.onStart(start);
    // Unless it was passed over.
    if (!this.#owner) return;
    const { instance } = this.#lease;
    if (FAILING.has(start.status)) this.#tries.failed(instance, `status ${start.status}`, 'failing');
    else this.#tries.worked(instance);
  }

  onData(chunk: Buffer): void {
    this.#owner?.onData(chunk);
  }

  onEnd(last: Buffer | undefined): void {
    this.#over();
    this.#owner?.onEnd(last);
  }

  onPause(): void {
    this.#owner?.onPause();
  }

  onFailure(error: Error): void {
    const owner = this.#owner;
    if (owner) {
      this.#tries.failed(this.#lease.instance, codeOf(error), failureOf(error));
    }
    this.#over();
    owner?.onFailure(this.#connection !== undefined);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tries.over(this.#lease.instance);
    this.#upstream.leave();
    this.#lease.release();
  }
}

export const failureOf = (error: Error): Failure => (UNREACHABLE.has(codeOf(error)) ? 'unreachable' : 'failing');

export const isFailing = (status: number): boolean => FAILING.has(status);
