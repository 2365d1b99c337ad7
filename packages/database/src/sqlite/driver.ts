/** Kysely over the SQLite that is built into Node. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { isBusy } from './dialect.ts';
import { ensurePrivate } from './private-file.ts';

/** How long a transaction waits while another process writes to the same file. */
const WRITE_LOCK_DEADLINE_MILLIS = 5000;
/** How long opening may block the thread while another process opens the same file. */
const OPEN_TIMEOUT_MILLIS = 5000;
/** How long a later statement may block the thread, and thus all work of this process. Writers wait outside SQLite. */
const BUSY_TIMEOUT_MILLIS = 2;
const CACHED_STATEMENTS = 200;
export const IN_MEMORY = ':memory:';

const isInput = (value: unknown): value is SQLInputValue =>
  value === null ||
  typeof value === 'number' ||
  typeof value === 'string' ||
  typeof value === 'bigint' ||
  value instanceof Uint8Array;

function toInput(value: unknown): SQLInputValue {
  if (isInput(value)) return value;
  throw new TypeError(`SQLite cannot store a ${typeof value}`);
}

interface PreparedStatement {
  statement: StatementSync;
  returnsRows: boolean;
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  /** Least recently used first. */
  readonly #prepared = new Map<string, PreparedStatement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  #prepare(sql: string): PreparedStatement {
    let prepared = this.#prepared.get(sql);
    if (prepared) {
      this.#prepared.delete(sql);
    } else {
      const statement = this.#database.prepare(sql);
      prepared = { statement, returnsRows: statement.columns().length > 0 };
      const [oldest] = this.#prepared.keys();
      if (oldest !== undefined && this.#prepared.size >= CACHED_STATEMENTS) this.#prepared.delete(oldest);
    }
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { statement, returnsRows } = this.#prepare(sql);
    const inputs = parameters.map(toInput);
    // The row type is Kysely's claim about its own query, as for every driver.
    if (returnsRows) return { rows: statement.all(...inputs) as Row[] };
    const { changes, lastInsertRowid } = statement.run(...inputs);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  // biome-ignore lint/correctness/useYield: streaming is not offered
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Reading a result in pieces is not supported: use pages.');
  }
}

class NodeSqliteDriver implements Driver {
  readonly #path: string;
  readonly #readOnly: boolean;
  #database: DatabaseSync | undefined;
  #connection: NodeSqliteConnection | undefined;

  constructor(path: string, readOnly: boolean) {
    this.#path = path;
    this.#readOnly = readOnly;
  }

  async init(): Promise<void> {
    if (!this.#readOnly && this.#path !== IN_MEMORY) ensurePrivate(this.#path);
    const database = new DatabaseSync(this.#path, {
      timeout: OPEN_TIMEOUT_MILLIS,
      enableForeignKeyConstraints: true,
      readOnly: this.#readOnly,
    });
    try {
      // FULL: committed data is on the disk, even after a power failure. WAL: readers and the writer do not block each
      // other. Secure delete: the bytes of deleted rows become zero, because an erased name must not stay in free pages.
      if (!this.#readOnly) {
        database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
      }
      database.exec(`PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MILLIS}`);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
    this.#connection = new NodeSqliteConnection(database);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (!this.#connection) throw new Error('the database is closed');
    return this.#connection;
  }

  /** Uses IMMEDIATE, so that a transaction never fails midway because another process wrote. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const deadline = performance.now() + WRITE_LOCK_DEADLINE_MILLIS;
    for (;;) {
      try {
        await connection.executeQuery(CompiledQuery.raw('begin immediate'));
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error;
        await sleep(1 + Math.random() * 10);
      }
    }
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // SQLite rolls back automatically on errors such as a full disk; a second rollback would hide the first error.
    if (this.#database?.isTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  /** Does nothing, because Kysely gives the one connection to one user at a time. */
  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#database?.close();
    this.#database = undefined;
    this.#connection = undefined;
  }
}

class TransactionalAdapter extends SqliteAdapter {
  /** Overrides Kysely's adapter, because SQLite does roll back a CREATE TABLE. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Returns a Kysely dialect for one connection to the database file at `path`; `:memory:` for tests. */
export const nodeSqlite = (path: string, { readOnly = false } = {}): Dialect => ({
  createAdapter: () => new TransactionalAdapter(),
  createDriver: () => new NodeSqliteDriver(path, readOnly),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
});
