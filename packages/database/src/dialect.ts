/** What differs between the databases, as named capabilities. Nothing else in Daybook asks which database it is. */
import type { AliasableExpression, CreateTableBuilder, RawBuilder } from 'kysely';

export interface DatabaseDialect {
  readonly name: 'sqlite' | 'mysql';
  /** Column types for migrations. */
  readonly types: {
    /** A UUID in 16 bytes. */
    readonly id: RawBuilder<unknown>;
    /** An instant as milliseconds since 1970 UTC: the same number on every server, whatever its zone. */
    readonly instant: RawBuilder<unknown>;
    readonly integer: RawBuilder<unknown>;
    readonly bytes: RawBuilder<unknown>;
    /** Text that is compared exactly: case, accents and spaces at its end count, and it sorts by code points. */
    text(maxLength: number): RawBuilder<unknown>;
    /** Text that is only kept. */
    readonly longText: RawBuilder<unknown>;
    /** A rising integer that the database gives out. Its column is the primary key. */
    readonly position: RawBuilder<unknown>;
  };
  /** Are indexes part of CREATE TABLE? Where each statement of a schema commits by itself, a table must come with them. */
  readonly inlinesIndexes: boolean;
  /** The end of CREATE TABLE for a table that is clustered by its primary key. */
  clustered<Table extends string, Column extends string>(
    table: CreateTableBuilder<Table, Column>,
  ): CreateTableBuilder<Table, Column>;
  /** All numbers of a group as one JSON array, in any order. */
  jsonArrayAgg(value: RawBuilder<number>): AliasableExpression<string>;
  /** The clock of the database, in milliseconds since 1970 UTC. */
  readonly now: RawBuilder<number>;
  /** Does a transaction lock the rows that it means to change (FOR UPDATE), and can others skip those? SQLite locks all. */
  readonly supportsRowLocks: boolean;
  /** Does the server take several statements in one round trip? See execute-batch.ts. */
  readonly supportsMultiStatement: boolean;
  isUniqueViolation(error: unknown): boolean;
  /** Busy, deadlock, lock wait: the same transaction may work if it is tried again. */
  isTransient(error: unknown): boolean;
  /** The connection ended while it was used. What it had begun and not committed is undone. */
  isConnectionLost(error: unknown): boolean;
  /** May a COMMIT that failed like this have been done all the same? */
  isCommitAmbiguous(error: unknown): boolean;
  /** The database cannot be read or written at all now: disk full, input or output error, no connection. */
  isUnavailable(error: unknown): boolean;
}
