/** Runs work that events make due: now when it is woken, and on a timer. */
import { createLoop } from '@daybook/async';
import type { Logger } from '@daybook/service';

/** Poll interval for events that another process handled. Events of this process wake the worker immediately. */
const INTERVAL_MILLIS = 1_000;

export interface Worker {
  /** Runs immediately, because something is due. */
  wake(): void;
  /** Resolves when the current work is done. What is due then waits for the next start. */
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** Does all that is due. Ends early when the signal aborts. */
  readonly runAll: (closing: AbortSignal) => Promise<void>;
  readonly logger: Logger;
  /** Describes a failure of `runAll`. It is logged once for a series of failures. */
  readonly failureMessage: string;
  readonly errorFields: (error: unknown) => object;
}

export function startWorker({ runAll, logger, failureMessage, errorFields }: WorkerOptions): Worker {
  const closing = new AbortController();
  let failing = false;
  const loop = createLoop({
    intervalMillis: INTERVAL_MILLIS,
    async run() {
      try {
        await runAll(closing.signal);
        failing = false;
        return true;
      } catch (error) {
        if (!failing) logger.warn(errorFields(error), failureMessage);
        failing = true;
        return false;
      }
    },
  });
  void loop.runNow();
  return {
    wake: () => void loop.runNow(),
    async close() {
      closing.abort();
      await loop.stop();
    },
  };
}
