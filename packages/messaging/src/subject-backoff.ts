/** Suspends subjects whose event could not be published, for growing pauses, without affecting other subjects. */
import { backoffMillis } from '@daybook/async';

const PAUSE = { firstMillis: 500, longestMillis: 10_000 };
/** With this many, the bus itself is failing, so no more are tried. */
const MAX_SUSPENDED = 100;

interface Suspension {
  readonly failures: number;
  readonly until: number;
}

export class SubjectBackoff {
  readonly #suspended = new Map<string, Suspension>();

  /** Returns the subjects that are suspended now. */
  suspended(now: number): ReadonlySet<string> {
    const waiting = new Set<string>();
    for (const [subject, { until }] of this.#suspended) {
      if (until > now) waiting.add(subject);
      // No events of this subject are due any more.
      else if (until + PAUSE.longestMillis < now) this.#suspended.delete(subject);
    }
    return waiting;
  }

  isFull(now: number): boolean {
    return this.suspended(now).size >= MAX_SUSPENDED;
  }

  suspend(subject: string, now: number): void {
    const failures = (this.#suspended.get(subject)?.failures ?? 0) + 1;
    this.#suspended.set(subject, { failures, until: now + backoffMillis(failures, PAUSE) });
  }

  resume(subject: string): void {
    this.#suspended.delete(subject);
  }

  get size(): number {
    return this.#suspended.size;
  }
}
