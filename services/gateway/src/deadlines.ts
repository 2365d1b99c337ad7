/** Watches one request: the part that it is in, and the whole. */
import { IDLE_STREAM_MILLIS, type RouteTimeouts } from './timeouts.ts';

export interface DeadlineOwner {
  onLate(): void;
}

const late = (owner: DeadlineOwner): void => owner.onLate();

export class Deadlines {
  readonly #timeouts: RouteTimeouts;
  readonly #owner: DeadlineOwner;
  readonly #startedAt: number;
  #part: NodeJS.Timeout;
  /** Begun when a body comes in pieces: most requests are over before, and one timer is less to do than two. */
  #whole: NodeJS.Timeout | undefined;
  #isEndless = false;

  constructor(timeouts: RouteTimeouts, startedAt: number, owner: DeadlineOwner) {
    this.#timeouts = timeouts;
    this.#startedAt = startedAt;
    this.#owner = owner;
    this.#part = setTimeout(late, Math.min(timeouts.headersMillis, timeouts.totalMillis), owner);
  }

  /** A piece came, of the request or of its answer. */
  moved(): void {
    this.#part.refresh();
    if (this.#whole === undefined && !this.#isEndless) {
      const left = this.#timeouts.totalMillis - (performance.now() - this.#startedAt);
      this.#whole = setTimeout(late, Math.max(1, left), this.#owner);
    }
  }

  answerBegan(): void {
    const { headersMillis, bodyMillis } = this.#timeouts;
    if (bodyMillis === headersMillis) this.#part.refresh();
    else this.#exchangePart(bodyMillis);
  }

  /** Events come when there are some, and as long as both sides want. */
  streamBegan(): void {
    this.#isEndless = true;
    clearTimeout(this.#whole);
    this.#exchangePart(Math.max(IDLE_STREAM_MILLIS, this.#timeouts.bodyMillis));
  }

  /** The same time again, to get to a refusal. */
  again(): void {
    this.#part.refresh();
    clearTimeout(this.#whole);
  }

  stop(): void {
    clearTimeout(this.#part);
    clearTimeout(this.#whole);
  }

  #exchangePart(millis: number): void {
    clearTimeout(this.#part);
    this.#part = setTimeout(late, millis, this.#owner);
  }
}
