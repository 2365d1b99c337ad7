/** Traffic that goes on until it is told to end, and what became of it. */

import { setTimeout as sleep } from 'node:timers/promises';

/** One call: what it was when it did not go well; undefined when it did. */
export type TrafficCall = (n: number) => Promise<string | undefined>;

export interface Traffic {
  /** How many calls are over. */
  readonly done: number;
  /** Resolves when so many more calls are over. */
  more(count: number): Promise<void>;
  /** No more calls after those under way; all that did not go well. */
  stop(): Promise<readonly string[]>;
}

/** So that it is traffic and not a load: what is tested is that it goes on. */
const PAUSE_MILLIS = 20;

/** `fetch failed` alone says nothing. */
const describe = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined ? `${error}: ${error.cause}` : `${error}`;

/** A few callers who ask one thing after the other, each kind of call in turn. */
export function startTraffic(calls: readonly TrafficCall[], callers = 8): Traffic {
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
      await sleep(PAUSE_MILLIS);
    }
  }
  const running = Promise.all(Array.from({ length: callers }, call));

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
