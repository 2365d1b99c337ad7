/** Watches requests: for each the part that it is in, and the whole. */
import { reportContained } from '@daybook/service';
import { IDLE_STREAM_MILLIS, type RouteTimeouts } from '../routes/timeouts.ts';

export interface DeadlineOwner {
  onTimeout(): void;
}

/** How late a deadline may be seen. */
const TICK_MILLIS = 25;

/** Looks at all that is watched again and again: a timer for each request would cost more than the look. */
export class DeadlineWatch {
  readonly #watched = new Set<Deadlines>();
  #timer: NodeJS.Timeout | undefined;

  add(deadlines: Deadlines): void {
    this.#watched.add(deadlines);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MILLIS);
  }

  remove(deadlines: Deadlines): void {
    this.#watched.delete(deadlines);
  }

  #tick(): void {
    const now = performance.now();
    for (const deadlines of this.#watched) {
      try {
        deadlines.check(now);
      } catch (failure) {
        reportContained(failure);
        deadlines.recordFailure();
      }
    }
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

export class Deadlines {
  readonly #watch: DeadlineWatch;
  readonly #timeouts: RouteTimeouts;
  readonly #owner: DeadlineOwner;
  #phaseMillis: number;
  /** When the part began, or when something came in it last. */
  #phaseStartedAt: number;
  #totalDeadline: number;
  #hasFailed = false;

  constructor(watch: DeadlineWatch, timeouts: RouteTimeouts, startedAt: number, owner: DeadlineOwner) {
    this.#watch = watch;
    this.#timeouts = timeouts;
    this.#owner = owner;
    this.#phaseMillis = timeouts.headersMillis;
    this.#phaseStartedAt = startedAt;
    this.#totalDeadline = startedAt + timeouts.totalMillis;
    watch.add(this);
  }

  check(now: number): void {
    if (now >= this.#phaseStartedAt + this.#phaseMillis || now >= this.#totalDeadline) this.#owner.onTimeout();
  }

  /** A piece came, of the request or of its answer. */
  onProgress(): void {
    this.#phaseStartedAt = performance.now();
  }

  /** A body has to come within this, or within what the route gives. */
  startBody(millis: number): void {
    this.#startPhase(Math.min(millis, this.#timeouts.headersMillis), performance.now());
  }

  /** What is waited for is the instance. */
  startAttempts(now: number): void {
    this.#startPhase(this.#timeouts.headersMillis, now);
  }

  startResponse(now: number): void {
    this.#startPhase(this.#timeouts.bodyMillis, now);
  }

  /** Events come when there are some, and as long as both sides want. */
  startStream(): void {
    this.#totalDeadline = Number.POSITIVE_INFINITY;
    this.#startPhase(Math.max(IDLE_STREAM_MILLIS, this.#timeouts.bodyMillis), performance.now());
  }

  /** The same time again, to get to a refusal. */
  restart(): void {
    this.#totalDeadline = Number.POSITIVE_INFINITY;
    this.onProgress();
  }

  /** After a failure: the owner gets one more chance to end the request, and is not watched after that. */
  recordFailure(): void {
    if (this.#hasFailed) this.stop();
    this.#hasFailed = true;
  }

  stop(): void {
    this.#watch.remove(this);
  }

  #startPhase(millis: number, now: number): void {
    this.#phaseMillis = millis;
    this.#phaseStartedAt = now;
  }
}
