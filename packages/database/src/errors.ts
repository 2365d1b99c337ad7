/** What a caller of a database may have to hear. */

/** The database's own name of what is wrong. Never a message, which can quote data. */
function reasonOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ('errstr' in cause && typeof cause.errstr === 'string') return cause.errstr;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** The database does not answer or cannot write now; the caller may try again later. Nothing was half-done. */
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
 * The answer to a COMMIT was lost: all of the write is done, or nothing of it. Whoever tries again has to find out, as an
 * Idempotency-Key or an inbox does.
 */
export class AmbiguousCommit extends DatabaseUnavailable {
  constructor(cause: unknown) {
    super(cause, 'The database did not say whether it has stored the change.');
    this.name = 'AmbiguousCommit';
  }
}

/** The database cannot be used at all, said for a person. `url` is named, never its credentials. */
export class DatabaseUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseUnusable';
  }
}

/** Thrown by the work of a write: what it read is not so any more. All of the work runs again. */
export class WriteConflict extends Error {
  constructor(cause?: unknown) {
    super('Another transaction was first.', { cause });
    this.name = 'WriteConflict';
  }
}
