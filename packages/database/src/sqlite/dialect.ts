import { sql } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';
import { truncateLog } from './truncate-log.ts';

const STRICT_CLUSTERED = sql`strict, without rowid`;

const errcodeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
/** Returns the primary result code, the low byte of SQLite's extended one: https://sqlite.org/rescode.html */
const primary = (error: unknown): number => (errcodeOf(error) ?? 0) & 0xff;

const SQLITE = { busy: 5, locked: 6, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 } as const;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

export const isBusy = (error: unknown): boolean => [SQLITE.busy, SQLITE.locked].includes(primary(error) as 5 | 6);
export const isCorrupt = (error: unknown): boolean =>
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
  inlinesIndexes: false,
  clustered: (table) => table.modifyEnd(STRICT_CLUSTERED),
  jsonArrayAgg: (value) => sql<string>`json_group_array(${value})`,
  now: sql<number>`cast(unixepoch('now', 'subsec') * 1000 as integer)`,
  supportsRowLocks: false,
  supportsMultiStatement: false,
  purgeDeleted: truncateLog,
  isUniqueViolation: (error) =>
    errcodeOf(error) === SQLITE_CONSTRAINT_PRIMARYKEY || errcodeOf(error) === SQLITE_CONSTRAINT_UNIQUE,
  isTransient: isBusy,
  isConnectionLost: () => false,
  isCommitAmbiguous: () => false,
  isUnavailable: (error) => {
    const code = primary(error);
    return Object.values<number>(SQLITE).includes(code);
  },
};
