/**
 * Limits the concurrent requests to a service (decision 22). A burst is admitted, because its requests wait only
 * briefly. If responses stay clearly slower than those of an idle service, a queue has formed that never drains. Then
 * the limit shrinks to the capacity of the service. Excess requests are rejected immediately instead of delaying all
 * others.
 */
export interface ConcurrencyLimitOptions {
  /** The smallest limit, however slow the service is. */
  minLimit?: number;
  maxLimit?: number;
  initialLimit?: number;
  /** Returns monotonic milliseconds. */
  now?: () => number;
}

const WINDOW_MILLIS = 100;
const MIN_SAMPLES = 10;
/** A response that takes this much longer than usual has waited in a queue. */
const SLACK_MILLIS = 50;
const SLOW_FACTOR = 2;
/** Responses that are slow for this long are not a temporary burst. */
const BURST_MILLIS = 2_000;
const SHRINK_FACTOR = 0.9;
const GROWTH_FACTOR = 1.1;
/** How quickly longer responses become the baseline. Applies only while too few requests run to form a queue. */
const BASELINE_SMOOTHING = 0.05;
/** A service that responds this much less under a lower limit did not have a queue. */
const STARVED_FACTOR = 0.7;
/** How quickly the measured response rate of a slow service adapts. */
const RATE_SMOOTHING = 0.2;

export class ConcurrencyLimit {
  readonly #minLimit: number;
  readonly #maxLimit: number;
  readonly #initialLimit: number;
  readonly #now: () => number;
  #limit: number;
  #inFlight = 0;
  /** How long a response takes without a queue; unknown at first. */
  #baselineMillis = Number.POSITIVE_INFINITY;
  /** The current window: its start, its responses, and its largest number of concurrent requests. */
  #windowStartedAt: number;
  #samples = 0;
  #sumMillis = 0;
  #peakInFlight = 0;
  /** When responses became slow, and the rate of responses per millisecond. */
  #slowSince: number | undefined;
  #slowRate = 0;

  constructor({
    minLimit = 32,
    maxLimit = 2_048,
    initialLimit = maxLimit,
    now = () => performance.now(),
  }: ConcurrencyLimitOptions = {}) {
    this.#minLimit = minLimit;
    this.#maxLimit = maxLimit;
    this.#initialLimit = initialLimit;
    this.#limit = initialLimit;
    this.#now = now;
    this.#windowStartedAt = now();
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  tryAcquire(): boolean {
    if (this.#inFlight >= this.#limit) {
      this.#peakInFlight = this.#inFlight;
      return false;
    }
    this.#inFlight += 1;
    if (this.#inFlight > this.#peakInFlight) this.#peakInFlight = this.#inFlight;
    return true;
  }

  /** Releases a request. Its response has begun, or never will. */
  release(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#reset();
  }

  /** Resets the limit, because nothing waits. The next clients may come as a burst again. */
  #reset(): void {
    this.#slowSince = undefined;
    if (this.#limit < this.#initialLimit) this.#limit = this.#initialLimit;
  }

  /** Records the time until a response began, or until the wait for it was abandoned. */
  recordLatency(millis: number): void {
    this.#samples += 1;
    this.#sumMillis += millis;
    if (this.#samples < MIN_SAMPLES) return;
    const now = this.#now();
    if (now - this.#windowStartedAt < WINDOW_MILLIS) return;
    this.#adapt(this.#sumMillis / this.#samples, this.#samples / (now - this.#windowStartedAt));
    this.#windowStartedAt = now;
    this.#samples = 0;
    this.#sumMillis = 0;
    this.#peakInFlight = this.#inFlight;
  }

  #adapt(millis: number, rate: number): void {
    const isSlow = millis > SLOW_FACTOR * this.#baselineMillis + SLACK_MILLIS;
    if (millis < this.#baselineMillis) this.#baselineMillis = millis;
    else if (Math.min(this.#limit, this.#peakInFlight) <= this.#minLimit) {
      this.#baselineMillis += (millis - this.#baselineMillis) * BASELINE_SMOOTHING;
    }
    if (isSlow) this.#shrink(millis, rate);
    else this.#grow();
  }

  #shrink(millis: number, rate: number): void {
    const now = this.#now();
    if (this.#slowSince === undefined) {
      this.#slowSince = now;
      this.#slowRate = rate;
    }
    if (now - this.#slowSince < BURST_MILLIS) {
      this.#slowRate += (rate - this.#slowRate) * RATE_SMOOTHING;
    } else if (rate < STARVED_FACTOR * this.#slowRate) {
      // The rate fell because of the lower limit. The service has capacity, and a new baseline.
      this.#baselineMillis = millis;
      this.#limit = Math.min(this.#maxLimit, this.#limit / STARVED_FACTOR);
    } else {
      // An unused part of the limit does not show what the service can do.
      this.#limit = Math.max(this.#minLimit, Math.min(this.#limit, this.#peakInFlight) * SHRINK_FACTOR);
    }
  }

  #grow(): void {
    this.#slowSince = undefined;
    const isTight = this.#peakInFlight * 2 >= this.#limit;
    const most = isTight ? this.#maxLimit : this.#initialLimit;
    if (this.#limit < most) this.#limit = Math.min(most, this.#limit * GROWTH_FACTOR);
  }
}
