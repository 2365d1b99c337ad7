/** Sends traffic until it is stopped, and collects its failures. */

import { setTimeout as sleep } from 'node:timers/promises';

/** Makes one call. Returns its failure; undefined for a success. */
export type TrafficCall = (n: number) => Promise<string | undefined>;

export interface Traffic {
  /** The number of finished calls. */
  readonly done: number;
  /** Resolves when `count` more calls are finished. */
  more(count: number): Promise<void>;
  /** Stops after the calls in progress. Returns all failures. */
  stop(): Promise<readonly string[]>;
}

const CALLERS = 8;
/** Keeps the traffic light, because the tests check continuity and not load. */
const PAUSE_MILLIS = 20;

/** Includes the cause, because `fetch failed` alone is uninformative. */
const describe = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined ? `${error}: ${error.cause}` : `${error}`;

/** Starts a few callers that send calls in sequence, alternating between the kinds. Each pauses after a call. */
export function startTraffic(calls: readonly TrafficCall[], pauseMillis = PAUSE_MILLIS): Traffic {
  const failures: string[] = [];
  const waiting = new Set<() => void>();
  let [started, done, isOver] = [0, 0, false];

  async function call(): Promise<void> {
    while (!isOver) {
      const n = started;
      started += 1;
      const failure = await calls[n % calls.length]?.(n).catch(describe);
      if (failure !== undefined) failures.push(`call ${n}: ${failure}`);
      done += 1;
      for (const check of waiting) check();
      await sleep(pauseMillis);
    }
  }
  const running = Promise.all(Array.from({ length: CALLERS }, call));

  return {
    get done() {
      return done;
    },
    async more(count) {
      const target = done + count;
      const reached = Promise.withResolvers<void>();
      const check = () => {
        if (done >= target) reached.resolve();
      };
      waiting.add(check);
      await reached.promise;
      waiting.delete(check);
    },
    async stop() {
      isOver = true;
      await running;
      return failures;
    },
  };
}
