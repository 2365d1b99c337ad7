/** Makes one attempt of a request on one instance. */
import type { Selection } from '@daybook/discovery';
import type { FailureKind } from '../resilience/outlier-detection.ts';
import type { BodyStream, Connection, UpstreamRequest } from '../upstream/connection.ts';
import type { ParsedResponseHead } from '../upstream/response-parser.ts';
import type { Upstream } from '../upstream/upstreams.ts';
import { errorCodeOf } from './errors.ts';
import type { InstanceSelector } from './instance-selector.ts';

/** How much of a discarded response is read, so that its connection can be used again. */
const MAX_DISCARDED_BYTES = 64 * 1024;
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

export class Attempt implements UpstreamRequest {
  readonly #selector: InstanceSelector;
  #owner: AttemptOwner | undefined;
  readonly #selection: Selection;
  readonly #upstream: Upstream;
  /** Set when the request is sent. */
  #connection: Connection | undefined;
  #isFinished = false;
  method = 'GET';
  head = '';
  body: Buffer | BodyStream | undefined;

  constructor(selector: InstanceSelector, owner: AttemptOwner, selection: Selection, upstream: Upstream) {
    this.#selector = selector;
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
    if (hasTimedOut) this.#selector.recordFailure(instance, 'no response in time', 'failing');
    // Where a connection exists or will exist, its end also ends the attempt.
    if (this.#connection) this.#connection.destroy();
    else if (this.head === '' || this.#upstream.cancel(this)) this.#finish();
  }

  /** Discards a failure response, because another instance gets the request. */
  discard({ status, length }: ParsedResponseHead): void {
    this.#owner = undefined;
    this.#selector.recordFailure(this.#selection.instance, `status ${status}`, 'failing');
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
    if (FAILURE_STATUSES.has(start.status)) this.#selector.recordFailure(instance, `status ${start.status}`, 'failing');
    else this.#selector.recordSuccess(instance);
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
      this.#selector.recordFailure(this.#selection.instance, errorCodeOf(error), failureKindOf(error));
    }
    this.#finish();
    owner?.onFailure(this.#connection !== undefined);
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#selector.recordEnd(this.#selection.instance);
    this.#upstream.release();
    this.#selection.release();
  }
}

export const failureKindOf = (error: Error): FailureKind =>
  UNREACHABLE.has(errorCodeOf(error)) ? 'unreachable' : 'failing';

export const isFailureStatus = (status: number): boolean => FAILURE_STATUSES.has(status);
