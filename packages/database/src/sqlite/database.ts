import { Kysely, sql } from 'kysely';
import { uncontendedLock } from '../advisory-lock.ts';
import type { Database } from '../database.ts';
import { DatabaseUnusable } from '../errors.ts';
import { KyselyDatabase } from '../kysely-database.ts';
import { type Migrations, migrate } from '../migrations.ts';
import type { SharedTables } from '../shared-tables.ts';
import { isCorrupt, sqliteDialect } from './dialect.ts';
import { IN_MEMORY, nodeSqlite } from './driver.ts';
import { isNotOwned } from './private-file.ts';

/**
 * Opens and migrates a database file.
 * @throws DatabaseUnusable when the file is broken, belongs to a newer Daybook, or has other tables
 */
export async function openSqlite<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  const path = url.slice('sqlite:'.length);
  const kysely = new Kysely<Tables & SharedTables>({ dialect: nodeSqlite(path) });
  try {
    await checkFile(kysely, path);
    // The transaction serves as the lock.
    await kysely.transaction().execute((transaction) => migrate(transaction, migrations(sqliteDialect), path));
    // Needs no lock, because only one process relays a file: see docs/decisions/0004-events-on-one-machine.md.
    return new KyselyDatabase({ writer: kysely, reader: readerOf(path, kysely) }, sqliteDialect, () => uncontendedLock);
  } catch (error) {
    await kysely.destroy();
    if (isCorrupt(error)) {
      throw new DatabaseUnusable(corruptFile(path), { cause: error });
    }
    if (isNotOwned(error)) {
      const advice = 'Run chmod 600 on it as the user that owns it.';
      throw new DatabaseUnusable(`The database file ${path} is readable for other users. ${advice}`, { cause: error });
    }
    if (sqliteDialect.isUnavailable(error)) {
      throw new DatabaseUnusable(`The database file ${path} cannot be opened, read or written.`, { cause: error });
    }
    throw error;
  }
}

/** Returns the writer for a database in memory, which belongs to one connection. */
const readerOf = <Tables>(path: string, writer: Kysely<Tables>): Kysely<Tables> =>
  path === IN_MEMORY ? writer : new Kysely<Tables>({ dialect: nodeSqlite(path, { readOnly: true }) });

/** Checking every page takes time proportional to the file size. A larger file is checked only during use. */
const CHECKED_BYTES = 16 * 1024 * 1024;

const corruptFile = (path: string): string => `The database file ${path} is broken. Restore it from a backup.`;

async function checkFile<Tables>(kysely: Kysely<Tables>, path: string): Promise<void> {
  const size = await sql<{ bytes: number }>`
    select page_count * page_size as bytes from pragma_page_count, pragma_page_size`.execute(kysely);
  if ((size.rows[0]?.bytes ?? 0) > CHECKED_BYTES) return;
  const check = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(kysely);
  if (check.rows[0]?.quick_check !== 'ok') throw new DatabaseUnusable(corruptFile(path));
}
