/** Work that is done again and again in the background, one run at a time. */
export interface Loop {
  /** Runs now, or once more when a run is under way; the next timed run counts from its end. */
  runNow(): Promise<void>;
  /** No run starts after this; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /** Answers whether it worked. Has its own deadline, and never rejects. */
  run: () => Promise<boolean>;
  intervalMillis: number;
}

/** The first wait after a failure; it doubles up to the interval. */
const FIRST_RETRY_MILLIS = 500;

/** Starts with the first `runNow`. The timer does not keep the process alive. */
export function createLoop({ run, intervalMillis }: LoopOptions): Loop {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;
  let failures = 0;
  let stopped = false;

  function nextDelayMillis(): number {
    if (failures === 0) return intervalMillis;
    const backoff = Math.min(intervalMillis, FIRST_RETRY_MILLIS * 2 ** Math.min(failures - 1, 16));
    return backoff * (0.5 + Math.random() / 2);
  }

  async function runOnce(): Promise<void> {
    clearTimeout(timer);
    failures = (await run()) ? 0 : failures + 1;
    running = undefined;
    if (!stopped) timer = setTimeout(() => void runNow(), nextDelayMillis()).unref();
  }

  async function runAfter(current: Promise<void>): Promise<void> {
    await current;
    waiting = undefined;
    await runNow();
  }

  function runNow(): Promise<void> {
    if (stopped) return Promise.resolve();
    if (running) {
      waiting ??= runAfter(running);
      return waiting;
    }
    running = runOnce();
    return running;
  }

  return {
    runNow,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await (waiting ?? running);
    },
  };
}
