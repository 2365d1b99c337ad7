/**
 * How many requests a service may have at once (decision 18). As long as answers take about as long as they take an idle
 * service, the limit grows when it is reached; when they take clearly longer, requests are waiting somewhere, and it
 * shrinks. What is above it is refused at once instead of making everybody wait.
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
const SHRINK = 0.9;
const GROW = 1.1;
/** How quickly longer answers become the usual, while they cannot be for want of room. */
const GETTING_USED = 0.05;

export class LoadLimit {
  readonly #least: number;
  readonly #most: number;
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

  constructor({ least = 32, most = 2_048, first = 256, now = () => performance.now() }: LoadLimitOptions = {}) {
    this.#least = least;
    this.#most = most;
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
  }

  /** How long it took until an answer began, or until waiting for it was given up. */
  took(millis: number): void {
    this.#answers += 1;
    this.#sumMillis += millis;
    if (this.#answers < FEWEST_ANSWERS) return;
    const now = this.#now();
    if (now - this.#since < WINDOW_MILLIS) return;
    this.#adapt(this.#sumMillis / this.#answers);
    this.#since = now;
    this.#answers = 0;
    this.#sumMillis = 0;
    this.#peak = this.#inFlight;
  }

  #adapt(millis: number): void {
    const isTight = this.#peak * 2 >= this.#limit;
    const isSlow = millis > SLOWER * this.#usualMillis + SLACK_MILLIS;
    if (millis < this.#usualMillis) this.#usualMillis = millis;
    // A service that is as slow with the least that it is given is just slow.
    else if (!isTight || this.#limit <= this.#least) this.#usualMillis += (millis - this.#usualMillis) * GETTING_USED;
    if (!isTight) return;
    const next = this.#limit * (isSlow ? SHRINK : GROW);
    this.#limit = Math.min(this.#most, Math.max(this.#least, next));
  }
}
