/** Enforces the deadlines of requests: one for the current phase, and one for the whole. */
import { reportContained } from '@daybook/service';
import { IDLE_STREAM_MILLIS, type RouteTimeouts } from '../routes/timeouts.ts';

export interface DeadlineOwner {
  onTimeout(): void;
}

/** The largest delay in noticing a deadline. */
const TICK_MILLIS = 25;

/** Checks all deadlines at an interval, because a timer for each request would cost more. */
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
  /** When the phase began, or when its last bytes came. */
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

  /** Records that bytes of the request or its response came. */
  onProgress(): void {
    this.#phaseStartedAt = performance.now();
  }

  /** Starts the phase of the body, which ends within `millis` or within the timeout of the route. */
  startBody(millis: number): void {
    this.#startPhase(Math.min(millis, this.#timeouts.headersMillis), performance.now());
  }

  /** Starts the wait for an instance. */
  startAttempts(now: number): void {
    this.#startPhase(this.#timeouts.headersMillis, now);
  }

  startResponse(now: number): void {
    this.#startPhase(this.#timeouts.bodyMillis, now);
  }

  /** Starts a stream. Events have no schedule, so only the idle timeout applies. */
  startStream(): void {
    this.#totalDeadline = Number.POSITIVE_INFINITY;
    this.#startPhase(Math.max(IDLE_STREAM_MILLIS, this.#timeouts.bodyMillis), performance.now());
  }

  /** Allows the same time again, to send a refusal. */
  restart(): void {
    this.#totalDeadline = Number.POSITIVE_INFINITY;
    this.onProgress();
  }

  /** Lets a response wait for those before it, for at most `totalMillis` more. Returns false when that is over. */
  waitInQueue(): boolean {
    const now = performance.now();
    this.#phaseMillis = Number.POSITIVE_INFINITY;
    this.#totalDeadline = Math.min(this.#totalDeadline, now + this.#timeouts.totalMillis);
    return now < this.#totalDeadline;
  }

  /** Records a failure. The owner gets one more chance to end the request; a second failure stops the watch. */
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
