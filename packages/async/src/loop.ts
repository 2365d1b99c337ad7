import { backoffMillis } from './backoff.ts';
import { systemTimers, type Timers } from './timers.ts';

/** The pause after the first failure. */
const FIRST_RETRY_MILLIS = 500;

/** Repeats work in the background, one run at a time. */
export interface Loop {
  /** Runs now, or once more after a run in progress. The next timed run counts from its end. */
  runNow(): Promise<void>;
  /** Prevents further runs. Resolves when the run in progress has ended. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /** Returns whether the run succeeded. Has its own deadline and never rejects. */
  run: () => Promise<boolean>;
  /** The pause after a successful run. A function is called before each pause. */
  intervalMillis: number | (() => number);
  timers?: Timers;
}

/** Returns a loop that starts with the first `runNow`. Its timer does not keep the process alive. */
export function createLoop({ run, intervalMillis, timers = systemTimers }: LoopOptions): Loop {
  let cancelTimer = (): void => undefined;
  let running: Promise<void> | undefined;
  let pending: Promise<void> | undefined;
  let failures = 0;
  let stopped = false;

  function nextDelayMillis(): number {
    const interval = typeof intervalMillis === 'number' ? intervalMillis : intervalMillis();
    return failures === 0
      ? interval
      : backoffMillis(failures, { firstMillis: FIRST_RETRY_MILLIS, longestMillis: interval });
  }

  async function runOnce(): Promise<void> {
    cancelTimer();
    failures = (await run()) ? 0 : failures + 1;
    running = undefined;
    if (!stopped) cancelTimer = timers.after(nextDelayMillis(), () => void runNow());
  }

  async function runAfter(current: Promise<void>): Promise<void> {
    await current;
    pending = undefined;
    await runNow();
  }

  function runNow(): Promise<void> {
    if (stopped) return Promise.resolve();
    if (running) {
      pending ??= runAfter(running);
      return pending;
    }
    running = runOnce();
    return running;
  }

  return {
    runNow,
    async stop() {
      stopped = true;
      cancelTimer();
      await (pending ?? running);
    },
  };
}
