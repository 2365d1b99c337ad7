/** Runs a task and sets the exit code of its process. */
import { EXIT, StartFailure } from '@daybook/service';
import { BackupFailure } from './backup-failure.ts';

/** Prints the result of the task. A signal aborts it cleanly; a second signal ends the process immediately. */
export async function runTask(task: (signal: AbortSignal) => Promise<string>): Promise<void> {
  const closing = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => closing.abort());
  try {
    process.stdout.write(`${await task(closing.signal)}\n`);
  } catch (error) {
    if (closing.signal.aborted) process.exitCode = EXIT.interrupted;
    else if (error instanceof BackupFailure || error instanceof StartFailure) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = error.exitCode;
    } else throw error;
  }
}
