/** Watches requests: for each the part that it is in, and the whole. */
import { reportContained } from '@daybook/service';
import { IDLE_STREAM_MILLIS, type RouteTimeouts } from './timeouts.ts';

export interface DeadlineOwner {
  onLate(): void;
}

/** How late a deadline may be seen. */
const TICK_MILLIS = 25;

/** Looks at all that is watched again and again: a timer for each request would cost more than the look. */
export class DeadlineWatch {
  readonly #watched = new Set<Deadlines>();
  #ticking: NodeJS.Timeout | undefined;

  add(deadlines: Deadlines): void {
    this.#watched.add(deadlines);
    this.#ticking ??= setInterval(() => this.#tick(), TICK_MILLIS);
  }

  remove(deadlines: Deadlines): void {
    this.#watched.delete(deadlines);
  }

  #tick(): void {
    const now = performance.now();
    for (const deadlines of this.#watched) {
      try {
        deadlines.look(now);
      } catch (failure) {
        reportContained(failure);
        deadlines.giveUp();
      }
    }
    if (this.#watched.size > 0) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }
}

export class Deadlines {
  readonly #watch: DeadlineWatch;
  readonly #timeouts: RouteTimeouts;
  readonly #owner: DeadlineOwner;
  #partMillis: number;
  /** When the part began, or when something came in it last. */
  #partSince: number;
  #wholeEnds: number;
  #hasFailed = false;

  constructor(watch: DeadlineWatch, timeouts: RouteTimeouts, startedAt: number, owner: DeadlineOwner) {
    this.#watch = watch;
    this.#timeouts = timeouts;
    this.#owner = owner;
    this.#partMillis = timeouts.headersMillis;
    this.#partSince = startedAt;
    this.#wholeEnds = startedAt + timeouts.totalMillis;
    watch.add(this);
  }

  look(now: number): void {
    if (now >= this.#partSince + this.#partMillis || now >= this.#wholeEnds) this.#owner.onLate();
  }

  /** A piece came, of the request or of its answer. */
  moved(): void {
    this.#partSince = performance.now();
  }

  /** A body has to come within this, or within what the route gives. */
  bodyBegan(millis: number): void {
    this.#beginPart(Math.min(millis, this.#timeouts.headersMillis), performance.now());
  }

  /** What is waited for is the instance. */
  bodyRead(now: number): void {
    this.#beginPart(this.#timeouts.headersMillis, now);
  }

  answerBegan(now: number): void {
    this.#beginPart(this.#timeouts.bodyMillis, now);
  }

  /** Events come when there are some, and as long as both sides want. */
  streamBegan(): void {
    this.#wholeEnds = Number.POSITIVE_INFINITY;
    this.#beginPart(Math.max(IDLE_STREAM_MILLIS, this.#timeouts.bodyMillis), performance.now());
  }

  /** The same time again, to get to a refusal. */
  again(): void {
    this.#wholeEnds = Number.POSITIVE_INFINITY;
    this.moved();
  }

  /** Lets a response wait for those before it, for at most `totalMillis` more. Returns false when that is over. */
  waitInQueue(): boolean {
    const now = performance.now();
    this.#partMillis = Number.POSITIVE_INFINITY;
    this.#wholeEnds = Math.min(this.#wholeEnds, now + this.#timeouts.totalMillis);
    return now < this.#wholeEnds;
  }

  /** After a failure: the owner gets one more chance to end the request, and is not watched after that. */
  giveUp(): void {
    if (this.#hasFailed) this.stop();
    this.#hasFailed = true;
  }

  stop(): void {
    this.#watch.remove(this);
  }

  #beginPart(millis: number, now: number): void {
    this.#partMillis = millis;
    this.#partSince = now;
  }
}
