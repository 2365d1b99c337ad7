/** A service's own database: reads, transactions that are tried again a bounded number of times, health. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, sql, type Transaction } from 'kysely';
import { type DatabaseDialect, isBroken, sqliteDialect } from './dialect.ts';
import { type Migrations, migrate } from './migrations.ts';
import { nodeSqlite } from './node-sqlite.ts';
import { hasEvents } from './outbox.ts';
import type { SharedTables } from './shared-tables.ts';
import { sharedPart } from './shared-view.ts';

/** The database does not answer or cannot write now; the caller may try again later. Nothing was half-done. */
export class DatabaseUnavailable extends Error {
  /** The database's own name of what is wrong: `database or disk is full`. Never a message, which can quote data. */
  readonly reason: string | undefined;

  constructor(cause: unknown) {
    super('The database is not available.', { cause });
    this.name = 'DatabaseUnavailable';
    const hasName = cause instanceof Error && 'errstr' in cause && typeof cause.errstr === 'string';
    this.reason = hasName ? String(cause.errstr) : undefined;
  }
}

/** The database cannot be used at all, said for a person. `url` is named, never its credentials. */
export class DatabaseUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseUnusable';
  }
}

export interface Database<Tables = unknown> {
  readonly dialect: DatabaseDialect;
  /** Runs one query or several outside of a transaction. */
  read<Result>(query: (db: Kysely<Tables & SharedTables>) => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` in one transaction and commits. On a deadlock or a busy database all of `work` runs again, so it must
   * do nothing but talk to the database. Never call another service inside.
   * @throws DatabaseUnavailable when it cannot be done now
   */
  write<Result>(work: (transaction: Transaction<Tables & SharedTables>) => Promise<Result>): Promise<Result>;
  /** Called after every commit that stored events in the outbox. Returns how to stop it. */
  onEvents(listener: () => void): () => void;
  /** Rejects when the database does not answer, or could not write and still cannot. */
  check(): Promise<void>;
  close(): Promise<void>;
}

const WRITE_ATTEMPTS = 5;
const RETRY_BASE_MILLIS = 10;

class KyselyDatabase<Tables> implements Database<Tables> {
  readonly dialect: DatabaseDialect;
  readonly #writer: Kysely<Tables & SharedTables>;
  readonly #reader: Kysely<Tables & SharedTables>;
  readonly #listeners = new Set<() => void>();
  /** Whether the last write failed for want of space or of a disk that works. */
  #cannotWrite = false;

  constructor(connections: Connections<Tables>, dialect: DatabaseDialect) {
    this.#writer = connections.writer;
    this.#reader = connections.reader;
    this.dialect = dialect;
  }

  async read<Result>(query: (db: Kysely<Tables & SharedTables>) => Promise<Result>): Promise<Result> {
    try {
      return await query(this.#reader);
    } catch (error) {
      throw this.dialect.isUnavailable(error) ? new DatabaseUnavailable(error) : error;
    }
  }

  async write<Result>(work: (transaction: Transaction<Tables & SharedTables>) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      let begun: object | undefined;
      try {
        const result = await this.#writer.transaction().execute((transaction) => {
          begun = transaction;
          return work(transaction);
        });
        this.#cannotWrite = false;
        if (begun && hasEvents(begun)) for (const listener of this.#listeners) listener();
        return result;
      } catch (error) {
        // One that could not even begin has waited for its turn long enough.
        const again = begun && this.dialect.isTransient(error) && attempt < WRITE_ATTEMPTS;
        if (!again) throw this.#failureOf(error);
        await sleep(Math.random() * RETRY_BASE_MILLIS * 2 ** attempt);
      }
    }
  }

  #failureOf(error: unknown): unknown {
    if (!this.dialect.isUnavailable(error)) return error;
    // One that is only busy can write.
    if (!this.dialect.isTransient(error)) this.#cannotWrite = true;
    return new DatabaseUnavailable(error);
  }

  onEvents(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async check(): Promise<void> {
    await sql`select 1`.execute(this.#reader);
    // A probe writes nothing as long as all is well: probes are many.
    if (this.#cannotWrite) await this.write((transaction) => writeNothing(sharedPart(transaction)));
  }

  async close(): Promise<void> {
    await this.#reader.destroy();
    await this.#writer.destroy();
  }
}

/** Needs the disk as any write does, and leaves nothing. */
async function writeNothing(transaction: Transaction<SharedTables>): Promise<void> {
  const row = { consumer: 'probe', event_id: new Uint8Array(16), handled_at: 0 };
  await transaction.insertInto('inbox').values(row).execute();
  await transaction
    .deleteFrom('inbox')
    .where('consumer', '=', row.consumer)
    .where('event_id', '=', row.event_id)
    .execute();
}

/** Reads have a connection of their own: a write that waits for another process does not hold them up. */
interface Connections<Tables> {
  readonly writer: Kysely<Tables & SharedTables>;
  readonly reader: Kysely<Tables & SharedTables>;
}

/**
 * Opens the database that `url` names (`sqlite:PATH`) and brings it to the newest schema.
 * @throws DatabaseUnusable when it is broken, or of a newer Daybook than this
 */
export async function openDatabase<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  const path = url.slice('sqlite:'.length);
  if (!url.startsWith('sqlite:') || path === '')
    throw new DatabaseUnusable('Only sqlite: databases can be used so far.');
  const kysely = new Kysely<Tables & SharedTables>({ dialect: nodeSqlite(path) });
  try {
    await checkFile(kysely, path);
    await migrate(kysely, migrations(sqliteDialect));
    return new KyselyDatabase({ writer: kysely, reader: readerOf(path, kysely) }, sqliteDialect);
  } catch (error) {
    await kysely.destroy();
    if (isBroken(error)) {
      throw new DatabaseUnusable(brokenFile(path), { cause: error });
    }
    if (sqliteDialect.isUnavailable(error)) {
      throw new DatabaseUnusable(`The database file ${path} cannot be opened, read or written.`, { cause: error });
    }
    throw error;
  }
}

/** A database in memory belongs to one connection. */
const readerOf = <Tables>(path: string, writer: Kysely<Tables>): Kysely<Tables> =>
  path === ':memory:' ? writer : new Kysely<Tables>({ dialect: nodeSqlite(path, { readOnly: true }) });

/** A look at every page takes time by the size of the file: a large one is only looked at where it is used. */
const CHECKED_BYTES = 16 * 1024 * 1024;

const brokenFile = (path: string): string => `The database file ${path} is broken. Restore it from a backup.`;

async function checkFile<Tables>(kysely: Kysely<Tables>, path: string): Promise<void> {
  const size = await sql<{ bytes: number }>`
    select page_count * page_size as bytes from pragma_page_count, pragma_page_size`.execute(kysely);
  if ((size.rows[0]?.bytes ?? 0) > CHECKED_BYTES) return;
  const check = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(kysely);
  if (check.rows[0]?.quick_check !== 'ok') throw new DatabaseUnusable(brokenFile(path));
}
