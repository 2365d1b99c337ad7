/** Kysely over MySQL's protocol (mysql2). Statements are sent as text, and the server keeps no prepared statements. */
import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { Connection, QueryResult as MysqlResult } from 'mysql2';
import { STATEMENT_DEADLINE } from './dialect.ts';

/** A connection for one user until it is released. */
export interface PooledConnection {
  readonly connection: Connection;
  release(): void;
}

/** The source of the driver's connections. */
export interface ConnectionSource {
  acquire(): Promise<PooledConnection>;
  close(): Promise<void>;
}

type Input = null | number | string | bigint | Buffer;

function toInput(value: unknown): Input {
  if (value === null || typeof value === 'string' || typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`MySQL cannot store a ${typeof value}`);
}

/** An error that the database did not send. */
export class DriverError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'DriverError';
    this.code = code;
  }
}

/** Sends one statement. A timeout ends the connection, because its state is unknown. */
export function send(
  connection: Connection,
  text: string,
  parameters: readonly unknown[],
  deadlineMillis: number,
): Promise<MysqlResult> {
  const { promise, resolve, reject } = Promise.withResolvers<MysqlResult>();
  const timer = setTimeout(() => {
    reject(new DriverError(STATEMENT_DEADLINE, 'The database did not respond in time.'));
    connection.destroy();
  }, deadlineMillis);
  connection.query<MysqlResult>(text, parameters.map(toInput), (error, result) => {
    clearTimeout(timer);
    if (error) reject(error);
    else resolve(result);
  });
  return promise;
}

class MysqlConnection implements DatabaseConnection {
  readonly raw: Connection;
  readonly release: () => void;
  readonly #deadlineMillis: number;

  constructor({ connection, release }: PooledConnection, deadlineMillis: number) {
    this.raw = connection;
    this.release = release;
    this.#deadlineMillis = deadlineMillis;
  }

  async executeQuery<Row>({
    sql,
    parameters,
  }: {
    sql: string;
    parameters: readonly unknown[];
  }): Promise<QueryResult<Row>> {
    const result = await send(this.raw, sql, parameters, this.#deadlineMillis);
    // The row type is Kysely's claim about its own query, as for every driver.
    if (Array.isArray(result)) return { rows: result as Row[] };
    return { rows: [], numAffectedRows: BigInt(result.affectedRows), insertId: BigInt(result.insertId) };
  }

  // biome-ignore lint/correctness/useYield: streaming is not offered
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Reading a result in pieces is not supported: use pages.');
  }
}

class MysqlDriver implements Driver {
  readonly #source: ConnectionSource;
  readonly #deadlineMillis: number;

  constructor(source: ConnectionSource, deadlineMillis: number) {
    this.#source = source;
    this.#deadlineMillis = deadlineMillis;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new MysqlConnection(await this.#source.acquire(), this.#deadlineMillis);
  }

  /**
   * Does nothing: write connections have no autocommit, so the first statement begins the transaction without an extra
   * round trip.
   */
  async beginTransaction(): Promise<void> {}

  async commitTransaction(connection: MysqlConnection): Promise<void> {
    await send(connection.raw, 'commit', [], this.#deadlineMillis);
  }

  /** Ends a connection that cannot roll back; the server then rolls back. */
  async rollbackTransaction(connection: MysqlConnection): Promise<void> {
    try {
      await send(connection.raw, 'rollback', [], this.#deadlineMillis);
    } catch {
      connection.raw.destroy();
    }
  }

  async releaseConnection(connection: MysqlConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#source.close();
  }
}

class UnlockedAdapter extends MysqlAdapter {
  /** Does nothing, because mysql/database.ts already holds the lock. */
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

export const mysqlOver = (source: ConnectionSource, deadlineMillis: number): Dialect => ({
  createAdapter: () => new UnlockedAdapter(),
  createDriver: () => new MysqlDriver(source, deadlineMillis),
  createIntrospector: (db) => new MysqlIntrospector(db),
  createQueryCompiler: () => new MysqlQueryCompiler(),
});
