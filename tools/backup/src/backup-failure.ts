/** What a backup or a restore says when it cannot be done. */
import { DatabaseSync } from 'node:sqlite';

/** sysexits(3), as far as backup and restore use it. */
export const EXIT = { usage: 64, data: 65, unavailable: 69, inputOutput: 74 } as const;

/** Why it cannot go on, in one line for a person. The process ends with `exitCode`. */
export class BackupFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackupFailure';
    this.exitCode = exitCode;
  }
}

/** The system's or SQLite's own name of what is wrong. Never a message, which can quote data. */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errstr' in error && typeof error.errstr === 'string') return error.errstr;
  return 'code' in error && typeof error.code === 'string' && 'syscall' in error ? error.code : undefined;
}

/** Does `work`; what the disk or SQLite refuses is told as `sentence (reason).` */
export async function mapIoError<Result>(message: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const reason = errorCodeOf(error);
    if (reason === undefined || error instanceof BackupFailure) throw error;
    throw new BackupFailure(EXIT.inputOutput, `${message} (${reason}).`, { cause: error });
  }
}

/** Looks at every page of a file that nobody else has open. @throws BackupFailure 65 when one is not as SQLite wrote it */
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
