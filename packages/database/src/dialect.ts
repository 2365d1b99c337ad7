/** The differences between databases, as named capabilities. No other code depends on the kind of database. */
import { type AliasableExpression, type CreateTableBuilder, type Kysely, type RawBuilder, sql } from 'kysely';

/**
 * Ends a query that locks its rows against changes, but not against the same lock of other transactions.
 * Requires `supportsRowLocks`. Written in this form because MariaDB does not support FOR SHARE.
 */
export const SHARED_LOCK = sql`lock in share mode`;

export interface DatabaseDialect {
  readonly name: 'sqlite' | 'mysql';
  /** Column types for migrations. */
  readonly types: {
    /** A UUID in 16 bytes. */
    readonly id: RawBuilder<unknown>;
    /** An instant as milliseconds since 1970 UTC: the same number on every server, regardless of its zone. */
    readonly instant: RawBuilder<unknown>;
    readonly integer: RawBuilder<unknown>;
    readonly bytes: RawBuilder<unknown>;
    /** Text with exact comparison: case, accents and trailing spaces count. It sorts by code points. */
    text(maxLength: number): RawBuilder<unknown>;
    /** Text that is stored but never compared. */
    readonly longText: RawBuilder<unknown>;
    /** An automatically rising integer. Its column is the primary key. */
    readonly position: RawBuilder<unknown>;
  };
  /** Whether indexes are part of CREATE TABLE. They must be where each DDL statement commits separately. */
  readonly inlinesIndexes: boolean;
  /** Ends CREATE TABLE for a table that is clustered by its primary key. */
  clustered<Table extends string, Column extends string>(
    table: CreateTableBuilder<Table, Column>,
  ): CreateTableBuilder<Table, Column>;
  /** Aggregates the numbers of a group into one JSON array, in any order. */
  jsonArrayAgg(value: RawBuilder<number>): AliasableExpression<string>;
  /** The clock of the database, in milliseconds since 1970 UTC. */
  readonly now: RawBuilder<number>;
  /**
   * Whether a transaction can lock the rows that it will change (FOR UPDATE) and skip locked ones. SQLite locks
   * everything.
   */
  readonly supportsRowLocks: boolean;
  /** Whether the server accepts several statements in one round trip. See execute-batch.ts. */
  readonly supportsMultiStatement: boolean;
  /** Removes deleted and overwritten data from files, where the database has files of its own. */
  readonly purgeDeleted?: <Tables>(db: Kysely<Tables>) => Promise<void>;
  isUniqueViolation(error: unknown): boolean;
  /** Whether a retry of the transaction may succeed: busy, deadlock, lock wait. */
  isTransient(error: unknown): boolean;
  /** Whether the connection ended during use. Its uncommitted work is undone. */
  isConnectionLost(error: unknown): boolean;
  /** Whether a COMMIT with this error may have succeeded. */
  isCommitAmbiguous(error: unknown): boolean;
  /** Whether the database cannot be read or written at all: disk full, input or output error, no connection. */
  isUnavailable(error: unknown): boolean;
}
