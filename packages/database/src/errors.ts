/** The errors that a caller of a database may get. */
import type { DatabaseDialect } from './dialect.ts';

/** Returns the database's own error code. Never returns a message, because it can quote data. */
function reasonOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ('errstr' in cause && typeof cause.errstr === 'string') return cause.errstr;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** The database does not respond or cannot write now. The caller may retry later, because nothing was partly done. */
export class DatabaseUnavailable extends Error {
  /** `database or disk is full`, `ECONNREFUSED`. */
  readonly reason: string | undefined;

  constructor(cause: unknown, message = 'The database is not available.') {
    super(message, { cause });
    this.name = 'DatabaseUnavailable';
    this.reason = reasonOf(cause);
  }
}

/**
 * The response to a COMMIT was lost, so the write is either complete or undone. A retry must find out which, as an
 * Idempotency-Key or an inbox does.
 */
export class AmbiguousCommit extends DatabaseUnavailable {
  constructor(cause: unknown) {
    super(cause, 'The database did not confirm whether it has stored the change.');
    this.name = 'AmbiguousCommit';
  }
}

/** The database cannot be used at all. The message is for people and shows the URL without credentials. */
export class DatabaseUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseUnusable';
  }
}

/** The work of a write throws this when its reads are stale. All of the work runs again. */
export class WriteConflict extends Error {
  constructor(cause?: unknown) {
    super('Another transaction changed the same facts first.', { cause });
    this.name = 'WriteConflict';
  }
}

/** Returns the result of a write. When a unique key rejects the write, throws the error that `toError` returns. */
export async function mapUniqueViolation<Result>(
  dialect: DatabaseDialect,
  write: Promise<Result>,
  toError: (violation: unknown) => Error,
): Promise<Result> {
  try {
    return await write;
  } catch (error) {
    throw dialect.isUniqueViolation(error) ? toError(error) : error;
  }
}
