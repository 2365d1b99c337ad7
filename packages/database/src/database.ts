/** A service's own database: reads, transactions that are tried again a bounded number of times, health. */
import type { Kysely, Transaction } from 'kysely';
import type { DatabaseDialect } from './dialect.ts';
import type { Migrations } from './migrations.ts';
import type { SharedTables } from './shared-tables.ts';
import type { Turn } from './turn.ts';
import { DatabaseUnusable } from './unavailable.ts';

export interface Database<Tables = unknown> {
  readonly dialect: DatabaseDialect;
  /** Runs one query or several outside of a transaction; again, if the connection is lost meanwhile. */
  read<Result>(query: (db: Kysely<Tables & SharedTables>) => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` in one transaction and commits. On a deadlock, a busy database, a lost connection or `Overtaken`, all of
   * `work` runs again, so it must do nothing but talk to the database. Never call another service inside.
   * @throws DatabaseUnavailable when it cannot be done now, of which CommitUnknown: it may have been done
   */
  write<Result>(work: (transaction: Transaction<Tables & SharedTables>) => Promise<Result>): Promise<Result>;
  /** Called after every commit that stored events in the outbox. Returns how to stop it. */
  onEvents(listener: () => void): () => void;
  /** For `what` one process at a time may do on this database. */
  turnAt(what: string): Turn;
  /** Rejects when the database does not answer, or could not write and still cannot. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the database that `url` names (`sqlite:PATH`, `mysql://…/NAME`) and brings it to the newest schema.
 * @throws DatabaseUnusable when it is broken, of a newer Daybook than this, or not to be had with these settings
 * @throws DatabaseUnavailable when its server does not answer (yet)
 */
export async function openDatabase<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  // Each is loaded where it is used: a driver takes time to start.
  if (/^sqlite:./.test(url)) return (await import('./sqlite-database.ts')).openSqlite(url, migrations);
  if (/^mysqls?:/.test(url)) return (await import('./mysql-database.ts')).openMysql(url, migrations);
  throw new DatabaseUnusable('A database is named by sqlite:PATH or mysql://HOST/NAME.');
}
