/** What differs between the databases, as named capabilities. Nothing else in Daybook asks which database it is. */
import type { AliasableExpression, CreateTableBuilder, RawBuilder } from 'kysely';
import { sql } from 'kysely';

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
    /** Text that is compared exactly. */
    text(maxLength: number): RawBuilder<unknown>;
    /** Text that is only kept. */
    readonly longText: RawBuilder<unknown>;
    /** A rising integer that the database gives out. Its column is the primary key. */
    readonly position: RawBuilder<unknown>;
  };
  /** The end of CREATE TABLE for a table that is clustered by its primary key. */
  clustered<Table extends string, Column extends string>(
    table: CreateTableBuilder<Table, Column>,
  ): CreateTableBuilder<Table, Column>;
  /** All values of a group as one JSON array, in any order. */
  listOf(value: RawBuilder<unknown>): AliasableExpression<string>;
  /** Does a transaction lock the rows that it means to change (FOR UPDATE), and can others skip those? SQLite locks all. */
  readonly locksRows: boolean;
  isUniqueViolation(error: unknown): boolean;
  /** Busy, deadlock, lock wait: the same transaction may work if it is tried again. */
  isTransient(error: unknown): boolean;
  /** The database cannot be read or written at all now: disk full, input or output error, no connection. */
  isUnavailable(error: unknown): boolean;
}

const STRICT_CLUSTERED = sql`strict, without rowid`;

const errcodeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
/** The low byte of SQLite's extended result code is the primary one: https://sqlite.org/rescode.html */
const primary = (error: unknown): number => (errcodeOf(error) ?? 0) & 0xff;

const SQLITE = { busy: 5, locked: 6, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 } as const;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

export const isBusy = (error: unknown): boolean => [SQLITE.busy, SQLITE.locked].includes(primary(error) as 5 | 6);
export const isBroken = (error: unknown): boolean =>
  [SQLITE.corrupt, SQLITE.notadb].includes(primary(error) as 11 | 26);

export const sqliteDialect: DatabaseDialect = {
  name: 'sqlite',
  types: {
    id: sql`blob`,
    instant: sql`integer`,
    integer: sql`integer`,
    bytes: sql`blob`,
    text: () => sql`text`,
    longText: sql`text`,
    position: sql`integer`,
  },
  clustered: (table) => table.modifyEnd(STRICT_CLUSTERED),
  listOf: (value) => sql<string>`json_group_array(${value})`,
  locksRows: false,
  isUniqueViolation: (error) =>
    errcodeOf(error) === SQLITE_CONSTRAINT_PRIMARYKEY || errcodeOf(error) === SQLITE_CONSTRAINT_UNIQUE,
  isTransient: isBusy,
  isUnavailable: (error) => {
    const code = primary(error);
    return Object.values<number>(SQLITE).includes(code);
  },
};
