/**
 * How many requests a service may have at once (decision 22). Many who come at the same moment are let in: they wait, and
 * then it is over. When answers stay clearly slower than those of an idle service for longer than that, requests wait
 * somewhere that will never catch up, and the limit shrinks to what the service can do; what is above it is refused at
 * once instead of making everybody wait.
 */
export interface LoadLimitOptions {
  /** What a service is always given, however slow it is. */
  least?: number;
  most?: number;
  first?: number;
  /** Milliseconds that only go up. */
  now?: () => number;
}

const WINDOW_MILLIS = 100;
const FEWEST_ANSWERS = 10;
/** An answer that takes so much longer than usual has waited. */
const SLACK_MILLIS = 50;
const SLOWER = 2;
/** Answers that are slow for so long are no rush that passes. */
const RUSH_MILLIS = 2_000;
const SHRINK = 0.9;
const GROW = 1.1;
/** How quickly longer answers become the usual, while there are so few requests that they cannot be waiting. */
const GETTING_USED = 0.05;
/** A service that answers so much less when it is given less was not keeping requests waiting. */
const STARVED = 0.7;
/** How quickly it is known what a slow service answers in a second. */
const LEARNING = 0.2;

export class LoadLimit {
  readonly #least: number;
  readonly #most: number;
  readonly #first: number;
  readonly #now: () => number;
  #limit: number;
  #inFlight = 0;
  /** What an answer takes when nothing waits; unknown at first. */
  #usualMillis = Number.POSITIVE_INFINITY;
  /** Of the window: when it began, its answers, and how many requests there were at once. */
  #since: number;
  #answers = 0;
  #sumMillis = 0;
  #peak = 0;
  /** Since when answers are slow, and how many there are a millisecond. */
  #slowSince: number | undefined;
  #slowRate = 0;

  constructor({ least = 32, most = 2_048, first = most, now = () => performance.now() }: LoadLimitOptions = {}) {
    this.#least = least;
    this.#most = most;
    this.#first = first;
    this.#limit = first;
    this.#now = now;
    this.#since = now();
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  tryEnter(): boolean {
    if (this.#inFlight >= this.#limit) {
      this.#peak = this.#inFlight;
      return false;
    }
    this.#inFlight += 1;
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
    return true;
  }

  /** The answer has begun, or never will. */
  leave(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#rest();
  }

  /** Nothing waits any more: whoever comes next may be many at once again. */
  #rest(): void {
    this.#slowSince = undefined;
    if (this.#limit < this.#first) this.#limit = this.#first;
  }

  /** How long it took until an answer began, or until waiting for it was given up. */
  took(millis: number): void {
    this.#answers += 1;
    this.#sumMillis += millis;
    if (this.#answers < FEWEST_ANSWERS) return;
    const now = this.#now();
    if (now - this.#since < WINDOW_MILLIS) return;
    this.#adapt(this.#sumMillis / this.#answers, this.#answers / (now - this.#since));
    this.#since = now;
    this.#answers = 0;
    this.#sumMillis = 0;
    this.#peak = this.#inFlight;
  }

  #adapt(millis: number, rate: number): void {
    const isSlow = millis > SLOWER * this.#usualMillis + SLACK_MILLIS;
    if (millis < this.#usualMillis) this.#usualMillis = millis;
    else if (Math.min(this.#limit, this.#peak) <= this.#least) {
      this.#usualMillis += (millis - this.#usualMillis) * GETTING_USED;
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
    if (now - this.#slowSince < RUSH_MILLIS) {
      this.#slowRate += (rate - this.#slowRate) * LEARNING;
    } else if (rate < STARVED * this.#slowRate) {
      // It does less because it is given less: it has room, and takes longer than it did.
      this.#usualMillis = millis;
      this.#limit = Math.min(this.#most, this.#limit / STARVED);
    } else {
      // Room that nobody used says nothing of what the service can do.
      this.#limit = Math.max(this.#least, Math.min(this.#limit, this.#peak) * SHRINK);
    }
  }

  #grow(): void {
    this.#slowSince = undefined;
    const isTight = this.#peak * 2 >= this.#limit;
    const most = isTight ? this.#most : this.#first;
    if (this.#limit < most) this.#limit = Math.min(most, this.#limit * GROW);
  }
}
