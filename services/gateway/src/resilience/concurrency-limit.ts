/**
 * How many requests a service may have at once (decision 22). Many who come at the same moment are let in: they wait, and
 * then it is over. When answers stay clearly slower than those of an idle service for longer than that, requests wait
 * somewhere that will never catch up, and the limit shrinks to what the service can do; what is above it is refused at
 * once instead of making everybody wait.
 */
export interface ConcurrencyLimitOptions {
  /** What a service is always given, however slow it is. */
  minLimit?: number;
  maxLimit?: number;
  initialLimit?: number;
  /** Milliseconds that only go up. */
  now?: () => number;
}

const WINDOW_MILLIS = 100;
const MIN_SAMPLES = 10;
/** An answer that takes so much longer than usual has waited. */
const SLACK_MILLIS = 50;
const SLOW_FACTOR = 2;
/** Answers that are slow for so long are no rush that passes. */
const BURST_MILLIS = 2_000;
const SHRINK_FACTOR = 0.9;
const GROWTH_FACTOR = 1.1;
/** How quickly longer answers become the usual, while there are so few requests that they cannot be waiting. */
const BASELINE_SMOOTHING = 0.05;
/** A service that answers so much less when it is given less was not keeping requests waiting. */
const STARVED_FACTOR = 0.7;
/** How quickly it is known what a slow service answers in a second. */
const RATE_SMOOTHING = 0.2;

export class ConcurrencyLimit {
  readonly #minLimit: number;
  readonly #maxLimit: number;
  readonly #initialLimit: number;
  readonly #now: () => number;
  #limit: number;
  #inFlight = 0;
  /** What an answer takes when nothing waits; unknown at first. */
  #baselineMillis = Number.POSITIVE_INFINITY;
  /** Of the window: when it began, its answers, and how many requests there were at once. */
  #windowStartedAt: number;
  #samples = 0;
  #sumMillis = 0;
  #peakInFlight = 0;
  /** Since when answers are slow, and how many there are a millisecond. */
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

  /** The answer has begun, or never will. */
  release(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#reset();
  }

  /** Nothing waits any more: whoever comes next may be many at once again. */
  #reset(): void {
    this.#slowSince = undefined;
    if (this.#limit < this.#initialLimit) this.#limit = this.#initialLimit;
  }

  /** How long it took until an answer began, or until waiting for it was given up. */
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
      // It does less because it is given less: it has room, and takes longer than it did.
      this.#baselineMillis = millis;
      this.#limit = Math.min(this.#maxLimit, this.#limit / STARVED_FACTOR);
    } else {
      // Room that nobody used says nothing of what the service can do.
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
