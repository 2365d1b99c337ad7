/** Connections to MySQL: their session settings, and pools with limits. */
import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  createPool,
  type Pool,
  type PoolConnection,
} from 'mysql2';
import { NO_CONNECTION_FREE } from './dialect.ts';
import { type ConnectionSource, DriverError, send } from './driver.ts';
import type { MysqlAddress } from './url.ts';

const CONNECT_MILLIS = 5000;
/** The server ends longer statements; otherwise the client ends the connection. */
const STATEMENT_SECONDS = 10;
export const STATEMENT_MILLIS = STATEMENT_SECONDS * 1000 + 2000;
const LOCK_WAIT_SECONDS = 5;
/** For a statement that waits while a table is altered. */
const TABLE_WAIT_SECONDS = 10;
/** How long a caller waits for a connection, and how many callers wait at most. */
const ACQUIRE_TIMEOUT_MILLIS = 5000;
const MAX_QUEUED = 2000;
const IDLE_MILLIS = 60_000;
/** Larger than the cells of any search in one value (`jsonArrayAgg`). */
const GROUP_CONCAT_BYTES = 64 * 1024 * 1024;

const strict = `set session sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00',
  group_concat_max_len = ${GROUP_CONCAT_BYTES}, innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS},
  lock_wait_timeout = ${TABLE_WAIT_SECONDS}`;
const readCommitted = `/*!80000 , transaction_isolation = 'READ-COMMITTED' */ /*M!100600 , tx_isolation = 'READ-COMMITTED' */`;
const statementTimeout = `/*!80000 , max_execution_time = ${STATEMENT_SECONDS * 1000} */
  /*M!100600 , max_statement_time = ${STATEMENT_SECONDS} */`;

export const SESSIONS = {
  /** Each statement commits separately. */
  read: `${strict} ${readCommitted} ${statementTimeout}, autocommit = 1`,
  /** A transaction begins with the first statement. */
  write: `${strict} ${readCommitted} ${statementTimeout}, autocommit = 0`,
  /** Statements that may take long: an index over a large table. */
  migrate: `${strict} ${readCommitted}, autocommit = 1`,
} as const;

const optionsOf = ({ host, port, user, password, ssl }: MysqlAddress): ConnectionOptions => ({
  host,
  port,
  user,
  password,
  ...(ssl && { ssl: { ...ssl } }),
  connectTimeout: CONNECT_MILLIS,
  enableKeepAlive: true,
  keepAliveInitialDelay: 10_000,
  jsonStrings: true,
  // The server cannot request a local file.
  flags: ['-LOCAL_FILES'],
});

/**
 * Opens one connection outside any pool. Without `withDatabase` it can create the missing database.
 * @throws the error of the server or the socket
 */
export async function connect(address: MysqlAddress, session: string, withDatabase = true): Promise<Connection> {
  const connection = createConnection({ ...optionsOf(address), ...(withDatabase && { database: address.database }) });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  connection.connect((error) => (error ? reject(error) : resolve()));
  try {
    await promise;
    await send(connection, session, [], STATEMENT_MILLIS);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/**
 * Acquires a named lock of the server for the life of the connection. Returns false when another connection holds it
 * for the whole wait.
 */
export async function getLock(connection: Connection, name: string, seconds: number): Promise<boolean> {
  const result = await send(
    connection,
    'select get_lock(?, ?) as got',
    [name, seconds],
    seconds * 1000 + STATEMENT_MILLIS,
  );
  const [row] = Array.isArray(result) ? result : [];
  return row !== undefined && 'got' in row && row.got === 1;
}

/** Waits a limited time for a connection. One that comes too late returns to the pool. */
function acquireFrom(pool: Pool): Promise<PoolConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<PoolConnection>();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    reject(new DriverError(NO_CONNECTION_FREE, 'No connection to the database became free in time.'));
  }, ACQUIRE_TIMEOUT_MILLIS);
  pool.getConnection((error, connection) => {
    clearTimeout(timer);
    if (timedOut) {
      if (!error) connection.release();
    } else if (error) reject(withCode(error));
    else resolve(connection);
  });
  return promise;
}

/** Adds a code to the pool's own error. */
const withCode = (error: Error): Error =>
  error.message === 'Queue limit reached.'
    ? new DriverError(NO_CONNECTION_FREE, 'Too many callers wait for a connection to the database.')
    : error;

/** The use of a pool. Only write pools may send several statements together. */
type PoolUse = 'read' | 'write';

function createLimitedPool(address: MysqlAddress, use: PoolUse, connectionLimit: number): Pool {
  const pool = createPool({
    ...optionsOf(address),
    multipleStatements: use === 'write',
    database: address.database,
    connectionLimit,
    // The pool ends idle connections beyond this number within a second, even under load. With all but one allowed,
    // only the idle timeout ends connections.
    maxIdle: connectionLimit - 1,
    idleTimeout: IDLE_MILLIS,
    waitForConnections: true,
    queueLimit: MAX_QUEUED,
  });
  // The failing statement reports the error of a connection in use; an idle one has left the pool already.
  pool.on('connection', (connection: PoolConnection) => connection.on('error', () => undefined));
  return pool;
}

/**
 * Returns a source of identically configured connections. It creates its pool on first use, because an unused one is
 * never closed.
 */
export function createConnectionSource(address: MysqlAddress, use: PoolUse, connectionLimit: number): ConnectionSource {
  const ready = new WeakSet<Connection>();
  let pool: Pool | undefined;
  let closed: Promise<void> | undefined;

  return {
    async acquire() {
      pool ??= createLimitedPool(address, use, connectionLimit);
      const connection = await acquireFrom(pool);
      const pooled = { connection, release: () => connection.release() };
      if (ready.has(connection)) return pooled;
      try {
        await send(connection, SESSIONS[use], [], STATEMENT_MILLIS);
        ready.add(connection);
        return pooled;
      } catch (error) {
        connection.destroy();
        throw error;
      }
    },
    close() {
      closed ??= new Promise((resolve, reject) =>
        pool ? pool.end((error) => (error ? reject(error) : resolve())) : resolve(),
      );
      return closed;
    },
  };
}
