/** Runs a process from start to end: its ready line, its signals, its exit code as in sysexits(3). */
import { logContainedFailures } from '../http/connection-guard.ts';
import { type LogFormat, type Logger, openLog } from '../observability/logger.ts';
import { EXIT } from './exit-codes.ts';
import { StartFailure } from './start-failure.ts';
import { isSupervised, onShutdownRequest, report } from './supervision.ts';

/** The supervisor must allow slightly more: see deploy/kubernetes. */
export const CLOSE_DEADLINE_MILLIS = 20_000;
/** Ctrl-C under npm arrives twice, because the terminal sends it to both processes and npm forwards it. */
const SAME_SIGNAL_MILLIS = 1_000;

/** A started program. */
export interface Started {
  /** Its name in the ready line. */
  readonly title: string;
  readonly url: string;
  readonly logger: Logger;
  /** Prints the ready line, if that needs more than writing to standard output. */
  printReadyLine?(line: string): void;
  /** Rejects with a StartFailure when it can never be ready. */
  readonly ready: Promise<void>;
  close(options?: { callersAreGone?: boolean }): Promise<void>;
}

const printLine = (line: string) => process.stdout.write(`${line}\n`);
const printError = (line: string) => process.stderr.write(`${line}\n`);
const secondsSinceStart = () => `${(performance.now() / 1000).toFixed(1)} s`;

/**
 * Ends the process with the failure's line and exit code.
 * @throws any error that is not a StartFailure
 */
function exitWith(error: unknown): never {
  if (!(error instanceof StartFailure)) throw error;
  printError(error.message);
  process.exit(error.exitCode);
}

/** The variables of the log of a process. */
export interface LogConfig {
  LOG_LEVEL: string;
  DAYBOOK_LOG_FORMAT?: LogFormat;
}

/** Returns the format of the log: the configured one, or text for people on a terminal and JSON elsewhere. */
export const logFormatOf = ({ DAYBOOK_LOG_FORMAT }: LogConfig): LogFormat =>
  DAYBOOK_LOG_FORMAT ?? (process.stdout.isTTY ? 'pretty' : 'json');

/** Opens the log of this process. An internal error is logged there and ends the process. */
export async function openProcessLog(config: LogConfig): Promise<Logger> {
  const logger = await openLog(config.LOG_LEVEL, logFormatOf(config));
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'process ended by an unexpected error');
    process.exit(EXIT.software);
  });
  logContainedFailures(logger);
  // The reader of the output may end first, which must not end this process in the middle of its work.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!('code' in error && error.code === 'EPIPE')) throw error;
    });
  }
  return logger;
}

/** Closes once. A second signal after a while, or a close that does not finish, ends the process immediately. */
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
      else if (performance.now() - closingSince > SAME_SIGNAL_MILLIS) process.exit(EXIT.interrupted);
    });
  }
  onShutdownRequest((options) => {
    if (!closing) void end(options);
  });
}

/** Starts, prints the ready line, and closes on a signal. */
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
