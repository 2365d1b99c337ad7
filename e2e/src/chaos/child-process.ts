/** A program that this one started and may end: by its own process, never by a name. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_TIMEOUT_MILLIS = 30_000;
const POLL_INTERVAL_MILLIS = 100;

export interface ChildOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** What it prints goes to the end of this file. */
  readonly log: string;
}

export interface Child {
  readonly isRunning: boolean;
  /** Resolves when it is gone. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export function startChild({ program, args, environment, log }: ChildOptions): Child {
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C on a terminal reaches us, who end it in our own order.
    detached: true,
    ...(environment && { env: environment }),
  });
  const file = createWriteStream(log, { flags: 'a' });
  child.stdout?.pipe(file, { end: false });
  child.stderr?.pipe(file, { end: false });
  const closed = once(child, 'close').finally(() => file.end());
  // Whoever waits for it hears of it.
  closed.catch(() => undefined);
  const isRunning = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    get isRunning() {
      return isRunning();
    },
    async stop(signal) {
      if (!isRunning()) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MILLIS);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Waits for something that is tried again and again. @throws when it does not come */
export async function waitUntil(what: string, millis: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + millis;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${millis / 1000} s`);
    await sleep(POLL_INTERVAL_MILLIS);
  }
}
