/** Subjects of which an event could not be handed over: each is left alone for a while, ever longer, and no other with it. */

const FIRST_PAUSE_MILLIS = 500;
const LONGEST_PAUSE_MILLIS = 10_000;
/** When so many wait it is the bus: more are not tried. */
const MOST_HELD = 100;

interface Held {
  readonly failures: number;
  readonly until: number;
}

export class HeldSubjects {
  readonly #held = new Map<string, Held>();

  /** Those that are to be left alone now. */
  waiting(now: number): ReadonlySet<string> {
    const waiting = new Set<string>();
    for (const [subject, { until }] of this.#held) {
      if (until > now) waiting.add(subject);
      // Nobody has anything of it to deliver any more.
      else if (until + LONGEST_PAUSE_MILLIS < now) this.#held.delete(subject);
    }
    return waiting;
  }

  isFull(now: number): boolean {
    return this.waiting(now).size >= MOST_HELD;
  }

  hold(subject: string, now: number): void {
    const failures = (this.#held.get(subject)?.failures ?? 0) + 1;
    const pause = Math.min(FIRST_PAUSE_MILLIS * 2 ** Math.min(failures - 1, 16), LONGEST_PAUSE_MILLIS);
    this.#held.set(subject, { failures, until: now + pause * (0.5 + Math.random() / 2) });
  }

  release(subject: string): void {
    this.#held.delete(subject);
  }

  get size(): number {
    return this.#held.size;
  }
}
