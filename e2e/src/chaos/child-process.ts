/** Starts a program and stops it through its own process, never by name. */
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
  /** The file that receives the program's output. */
  readonly log: string;
}

export interface Child {
  readonly isRunning: boolean;
  /** Resolves when the process has exited. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export function startChild({ program, args, environment, log }: ChildOptions): Child {
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C on a terminal signals only this process, which stops the others in order.
    detached: true,
    ...(environment && { env: environment }),
  });
  const file = createWriteStream(log, { flags: 'a' });
  child.stdout?.pipe(file, { end: false });
  child.stderr?.pipe(file, { end: false });
  const closed = once(child, 'close').finally(() => file.end());
  // Waiting callers receive this rejection, so it is not unhandled.
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

/**
 * Polls a condition until it is true.
 * @throws after `millis`
 */
export async function waitUntil(what: string, millis: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + millis;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${millis / 1000} s`);
    await sleep(POLL_INTERVAL_MILLIS);
  }
}
