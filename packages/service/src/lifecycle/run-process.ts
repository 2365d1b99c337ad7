/** From a start to the end of a process: its ready line, its signals, its exit code as sysexits(3) has them. */
import { logContainedFailures } from '../http/connection-guard.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { EXIT, StartFailure } from './start-failure.ts';
import { isSupervised, onShutdownRequest, report } from './supervision.ts';

/** Whoever ends it gives it a little more: see deploy/kubernetes. */
export const CLOSE_DEADLINE_MILLIS = 20_000;
/** As a shell says it of a process that Ctrl-C ended. */
const INTERRUPTED = 130;
/** Ctrl-C in a terminal arrives twice under npm: the terminal sends it to both, and npm forwards it. */
const SAME_SIGNAL_MILLIS = 1_000;

/** What was started. */
export interface Started {
  /** As the ready line calls it. */
  readonly title: string;
  readonly url: string;
  readonly logger: Logger;
  /** Says the ready line, where that takes more than to write it on standard output. */
  printReadyLine?(line: string): void;
  /** Rejects with a StartFailure when it can never be ready. */
  readonly ready: Promise<void>;
  close(options?: { callersAreGone?: boolean }): Promise<void>;
}

const printLine = (line: string) => process.stdout.write(`${line}\n`);
const printError = (line: string) => process.stderr.write(`${line}\n`);
const secondsSinceStart = () => `${(performance.now() / 1000).toFixed(1)} s`;

/** Ends the process with the failure's line and code. @throws whatever is no StartFailure */
function exitWith(error: unknown): never {
  if (!(error instanceof StartFailure)) throw error;
  printError(error.message);
  process.exit(error.exitCode);
}

/** The log of this process, which a fault of ours ends through it. */
export function openProcessLog(level: string): Logger {
  const logger = createLogger({ level, pretty: process.stdout.isTTY });
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'process ended by an unexpected error');
    process.exit(EXIT.software);
  });
  logContainedFailures(logger);
  // Who read along may be gone before this process is: that is no reason to end in the middle of something.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!('code' in error && error.code === 'EPIPE')) throw error;
    });
  }
  return logger;
}

/** Closes once. A second signal a while later, or a close that does not end, ends the process immediately. */
function closeOnSignal({ close, logger }: Started): void {
  let closing = false;
  let closingSince = 0;
  async function end(options: { callersAreGone?: boolean }): Promise<void> {
    closing = true;
    closingSince = performance.now();
    setTimeout(() => {
      logger.error('shutdown timed out');
      process.exit(EXIT.software);
    }, CLOSE_DEADLINE_MILLIS).unref();
    try {
      await close(options);
      process.exit(0);
    } catch (error) {
      logger.error({ err: error }, 'shutdown failed');
      process.exit(EXIT.software);
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!closing) void end({});
      else if (performance.now() - closingSince > SAME_SIGNAL_MILLIS) process.exit(INTERRUPTED);
    });
  }
  onShutdownRequest((options) => {
    if (!closing) void end(options);
  });
}

/** Starts, says where it is ready, and closes when it is told to. */
export async function runProcess(start: () => Promise<Started>): Promise<void> {
  try {
    const started = await start();
    const { title, url, ready } = started;
    let closing = false;
    closeOnSignal({
      ...started,
      close(options) {
        closing = true;
        return started.close(options);
      },
    });
    report({ state: 'listening', url });
    try {
      await ready;
    } catch (error) {
      if (closing) return;
      throw error;
    }
    report({ state: 'ready', url });
    if (!isSupervised()) (started.printReadyLine ?? printLine)(`${title} is ready at ${url} (${secondsSinceStart()})`);
  } catch (error) {
    exitWith(error);
  }
}
