/** From a task to the exit code of its process. */
import { StartFailure } from '@daybook/service';
import { BackupFailure } from './backup-failure.ts';

/** As a shell says that a signal ended something. */
const INTERRUPTED = 130;

/** Prints what the task says it did. A signal ends it, and it tidies up; a second signal ends the process at once. */
export async function runTask(task: (signal: AbortSignal) => Promise<string>): Promise<void> {
  const closing = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => closing.abort());
  try {
    process.stdout.write(`${await task(closing.signal)}\n`);
  } catch (error) {
    if (closing.signal.aborted) process.exitCode = INTERRUPTED;
    else if (error instanceof BackupFailure || error instanceof StartFailure) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = error.exitCode;
    } else throw error;
  }
}
