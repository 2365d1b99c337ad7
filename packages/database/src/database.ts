/** A service's own database: reads, transactions that are tried again a bounded number of times, health. */
import type { Kysely, Transaction } from 'kysely';
import type { AdvisoryLock } from './advisory-lock.ts';
import type { DatabaseDialect } from './dialect.ts';
import type { SharedTables } from './shared-tables.ts';

export interface Database<Tables = unknown> {
  readonly dialect: DatabaseDialect;
  /** Runs one query or several outside of a transaction; again, if the connection is lost meanwhile. */
  read<Result>(query: (db: Kysely<Tables & SharedTables>) => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` in one transaction and commits. On a deadlock, a busy database, a lost connection or `WriteConflict`, all of
   * `work` runs again, so it must do nothing but talk to the database. Never call another service inside.
   * @throws DatabaseUnavailable when it cannot be done now, of which AmbiguousCommit: it may have been done
   */
  write<Result>(work: (transaction: Transaction<Tables & SharedTables>) => Promise<Result>): Promise<Result>;
  /** Called after every commit that stored events in the outbox. Returns how to stop it. */
  onEvents(listener: () => void): () => void;
  /** Returns the lock `name` of this database, which one process holds at a time. */
  advisoryLock(name: string): AdvisoryLock;
  /** Rejects when the database does not answer, or could not write and still cannot. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Returns the part of a database that TypeScript does not see for a type parameter: the shared tables are in every database. */
export const asSharedDatabase = <Tables>(database: Database<Tables>): Database => database as unknown as Database;
