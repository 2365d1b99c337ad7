/** Runs work that events make due: now when it is woken, and on a timer. */
import { createLoop } from '@daybook/async';
import type { VerifiedCaller } from '@daybook/contracts';
import { errorFields, type Logger } from '@daybook/service';

/** The caller of what the workers read and write. */
export const WORKER_CALLER: VerifiedCaller = { id: 'appointment-service', role: 'service', patientIds: [] };

/** Poll interval for events that another process handled. Events of this process wake the worker immediately. */
const INTERVAL_MILLIS = 1_000;

export interface Worker {
  /** Runs immediately, because something is due. */
  wake(): void;
  /** Resolves when the current work is done. What is due then waits for the next start. */
  close(): Promise<void>;
}

export interface WorkerOptions<Item> {
  /** Returns an item that is due. */
  readonly next: () => Promise<Item | undefined>;
  /** Does the work for an item. Ends early when the signal aborts. */
  readonly run: (item: Item, closing: AbortSignal) => Promise<void>;
  /** Makes an item that failed due later, so that it does not block the others. */
  readonly postpone: (item: Item) => Promise<void>;
  readonly logger: Logger;
  /** Returns the log fields that identify an item. */
  readonly fieldsOf: (item: Item) => object;
  readonly messages: {
    /** Logged for each failure of `run`. */
    readonly runFailed: string;
    /** Logged once for a series of failures of `next` or `postpone`. */
    readonly readFailed: string;
  };
}

/** Starts a worker that does all due work, one item after the other. */
export function startWorker<Item>({ next, run, postpone, logger, fieldsOf, messages }: WorkerOptions<Item>): Worker {
  const closing = new AbortController();
  let failing = false;

  async function runAll(): Promise<void> {
    while (!closing.signal.aborted) {
      const item = await next();
      if (item === undefined) return;
      try {
        await run(item, closing.signal);
      } catch (error) {
        logger.warn({ ...errorFields(error), ...fieldsOf(item) }, messages.runFailed);
        await postpone(item);
      }
    }
  }

  const loop = createLoop({
    intervalMillis: INTERVAL_MILLIS,
    async run() {
      try {
        await runAll();
        failing = false;
        return true;
      } catch (error) {
        if (!failing) logger.warn(errorFields(error), messages.readFailed);
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
