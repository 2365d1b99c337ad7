/**
 * MySQL 8 and newer, and MariaDB 10.6 and newer. Where they differ, each executes its own version comments and ignores
 * the other's.
 */
import { sql } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';

/** https://dev.mysql.com/doc/mysql-errors/9.1/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/ */
const DUPLICATE = [1062, 1586];
const DEADLOCK_OR_LOCK_WAIT = [1213, 1205];
const READ_ONLY = [1290, 1836, 1792, 3100];
const DISK = [1021, 1114, 1026, 1030, 1180, 3019];
const RESOURCES_EXHAUSTED = [1040, 1203, 1226, 1461, 1037, 1038];
const ENDED_BY_SERVER = [1053, 1927, 4031, 1152, 1158, 1159, 1160, 1161, 1184];
const STATEMENT_TIMEOUT = [3024, 1969, 1317, 3169];
const ACCESS_DENIED = [1044, 1045, 1049, 1129, 1130, 1142];
const UNAVAILABLE = [
  ...READ_ONLY,
  ...DISK,
  ...RESOURCES_EXHAUSTED,
  ...ENDED_BY_SERVER,
  ...STATEMENT_TIMEOUT,
  ...ACCESS_DENIED,
];

/** Errors of sockets and of the driver, not of statements. */
const CONNECTION_LOST = [
  'PROTOCOL_CONNECTION_LOST',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'PROTOCOL_UNEXPECTED_PACKET',
];
const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'];

/** The code of a connection that mysql/driver.ts ended. */
export const STATEMENT_DEADLINE = 'STATEMENT_DEADLINE';
export const NO_CONNECTION_FREE = 'NO_CONNECTION_FREE';

const errnoOf = (error: unknown): number =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? error.errno : 0;
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
/** A command that was still queued when the connection ended has no code. */
const isFatal = (error: unknown): boolean => error instanceof Error && 'fatal' in error && error.fatal === true;

const isOneOf = (errnos: readonly number[], error: unknown): boolean => errnos.includes(errnoOf(error));

/** The connection was refused, or TLS failed. A retry would fail again. */
const isConnectionRefused = (error: unknown): boolean =>
  UNREACHABLE.includes(codeOf(error)) || codeOf(error).startsWith('HANDSHAKE_');

const isConnectionLost = (error: unknown): boolean =>
  CONNECTION_LOST.includes(codeOf(error)) ||
  isOneOf(ENDED_BY_SERVER, error) ||
  (isFatal(error) && errnoOf(error) <= 0 && !isConnectionRefused(error));

/** Nothing listens at that address now, or the server has no free connection. */
export const isUnreachable = (error: unknown): boolean =>
  UNREACHABLE.includes(codeOf(error)) || isConnectionLost(error) || isOneOf(RESOURCES_EXHAUSTED, error);

export const isUnknownDatabase = (error: unknown): boolean => errnoOf(error) === 1049;

export const mysqlDialect: DatabaseDialect = {
  name: 'mysql',
  types: {
    id: sql`binary(16)`,
    instant: sql`bigint`,
    integer: sql`int`,
    bytes: sql`varbinary(255)`,
    // Unlike utf8mb4_bin, these collations do not ignore trailing spaces.
    text: (maxLength) => sql`varchar(${sql.lit(maxLength)}) character set utf8mb4
      /*!80000 collate utf8mb4_0900_bin */ /*M!100600 collate utf8mb4_nopad_bin */`,
    longText: sql`mediumtext character set utf8mb4`,
    position: sql`bigint`,
  },
  inlinesIndexes: true,
  clustered: (table) => table.modifyEnd(sql`engine = InnoDB`),
  jsonArrayAgg: (value) => sql<string>`concat('[', group_concat(${value}), ']')`,
  now: sql<number>`cast(unix_timestamp(now(3)) * 1000 as signed)`,
  supportsRowLocks: true,
  supportsMultiStatement: true,
  isUniqueViolation: (error) => isOneOf(DUPLICATE, error),
  isTransient: (error) => isOneOf(DEADLOCK_OR_LOCK_WAIT, error),
  isConnectionLost,
  isCommitAmbiguous: (error) => !isOneOf([...DEADLOCK_OR_LOCK_WAIT, ...READ_ONLY], error),
  isUnavailable: (error) =>
    isUnreachable(error) ||
    isOneOf([...DEADLOCK_OR_LOCK_WAIT, ...UNAVAILABLE], error) ||
    [STATEMENT_DEADLINE, NO_CONNECTION_FREE].includes(codeOf(error)),
};
