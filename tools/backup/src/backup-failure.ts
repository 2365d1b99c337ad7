/** The errors of a backup or a restore. */
import { DatabaseSync } from 'node:sqlite';
import { EXIT } from '@daybook/service';

/** The reason of a failure, in one line for a person. The process exits with `exitCode`. */
export class BackupFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackupFailure';
    this.exitCode = exitCode;
  }
}

/** Returns the code of an error of the system or SQLite. Never a message, because that can quote data. */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errstr' in error && typeof error.errstr === 'string') return error.errstr;
  return 'code' in error && typeof error.code === 'string' && 'syscall' in error ? error.code : undefined;
}

/** Runs `work`. Converts errors of the disk or SQLite to `sentence (reason).` */
export async function mapIoError<Result>(message: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const reason = errorCodeOf(error);
    if (reason === undefined || error instanceof BackupFailure) throw error;
    throw new BackupFailure(EXIT.inputOutput, `${message} (${reason}).`, { cause: error });
  }
}

/**
 * Checks every page of a file that no other process has open.
 * @throws BackupFailure 65 when a page is damaged
 */
export function checkPages(path: string, advice: string): void {
  const broken = (options?: ErrorOptions) =>
    new BackupFailure(EXIT.data, `The database file ${path} is broken. ${advice}`, options);
  let found: unknown;
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    found = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  } catch (error) {
    throw broken({ cause: error });
  }
  if (found !== 'ok') throw broken();
}
