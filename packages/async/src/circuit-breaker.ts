import { type BackoffRange, backoffMillis } from './backoff.ts';

export interface CircuitBreakerOptions {
  /** The number of consecutive failures that opens the breaker. */
  readonly consecutiveFailures: number;
  /** How long the breaker stays open: after the first opening, and after each failed trial. */
  readonly openFor: BackoffRange;
}

export interface FailureOptions {
  /** Opens the breaker at the first failure. */
  readonly isFatal?: boolean;
  /** Returns whether a closed breaker may open. Called only when it is about to open. */
  readonly mayOpen?: () => boolean;
}

/**
 * Keeps callers from a failing target for a while. After consecutive failures the breaker opens. After a pause it
 * admits one attempt as a trial. A success closes the breaker, and a failed trial opens it for longer. Times are
 * milliseconds of a monotonic clock.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  /** The number of openings without a success in between. */
  #openings = 0;
  /** Undefined while the breaker is closed. */
  #openUntil: number | undefined;
  #isTrialRunning = false;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** Whether the breaker is open. It stays open until a trial succeeds. */
  get isOpen(): boolean {
    return this.#openUntil !== undefined;
  }

  /** Returns whether an attempt may start: with an open breaker only a trial, one at a time. */
  admits(now: number): boolean {
    return this.#openUntil === undefined || (now >= this.#openUntil && !this.#isTrialRunning);
  }

  /** Records the start of an attempt. With an open breaker it is the trial. */
  recordAttempt(): void {
    if (this.#openUntil !== undefined) this.#isTrialRunning = true;
  }

  recordSuccess(): void {
    this.#failures = 0;
    this.#openings = 0;
    this.#openUntil = undefined;
    this.#isTrialRunning = false;
  }

  /** Records the end of an attempt, possibly without a result. Another trial may start then. */
  recordEnd(): void {
    this.#isTrialRunning = false;
  }

  /**
   * Records a failure. Attempts that were pending when the breaker opened add no information.
   * @returns for how long the breaker opened now; undefined when it did not
   */
  recordFailure(now: number, { isFatal = false, mayOpen = () => true }: FailureOptions = {}): number | undefined {
    this.#failures += 1;
    const wasOpen = this.isOpen;
    if (wasOpen && !this.#isTrialRunning) return undefined;
    this.#isTrialRunning = false;
    const isDue = wasOpen || isFatal || this.#failures >= this.#options.consecutiveFailures;
    if (!isDue || (!wasOpen && !mayOpen())) return undefined;
    this.#openings += 1;
    const millis = backoffMillis(this.#openings, this.#options.openFor);
    this.#openUntil = now + millis;
    return millis;
  }
}
