/** A service's own database: reads, transactions with a limited number of attempts, health. */
import type { Kysely, Transaction } from 'kysely';
import type { AdvisoryLock } from './advisory-lock.ts';
import type { DatabaseDialect } from './dialect.ts';
import type { SharedTables } from './shared-tables.ts';

export interface Database<Tables = unknown> {
  readonly dialect: DatabaseDialect;
  /** Runs queries outside a transaction. Retries when the connection is lost. */
  read<Result>(query: (db: Kysely<Tables & SharedTables>) => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` in one transaction and commits. On a deadlock, a busy database, a lost connection or `WriteConflict`,
   * all of `work` runs again. It must therefore do nothing but use the database, and never call another service.
   * @throws DatabaseUnavailable when the database cannot commit now; its subclass AmbiguousCommit when it may have
   * committed
   */
  write<Result>(work: (transaction: Transaction<Tables & SharedTables>) => Promise<Result>): Promise<Result>;
  /** Calls `listener` after every commit that stored events in the outbox. Returns a function that stops it. */
  onEvents(listener: () => void): () => void;
  /** Returns the lock `name` of this database, which only one process holds at a time. */
  advisoryLock(name: string): AdvisoryLock;
  /**
   * Removes deleted and overwritten data from the files of the database, after an erasure. It does nothing on a server,
   * where the operator decides how long the logs of changes are kept.
   */
  purgeDeleted(): Promise<void>;
  /** Rejects when the database does not respond, or when a write failed and still fails. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Casts to the shared tables, which every database has but TypeScript cannot infer from a type parameter. */
export const asSharedDatabase = <Tables>(database: Database<Tables>): Database => database as unknown as Database;
