/** For this package's tests: a database of notes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanDatabase, databaseKind, freshDatabase } from '@daybook/testing/databases';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { createTable } from './create-table.ts';
import { type Database, openDatabase } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import { idToBytes, newId } from './id.ts';
import type { Migrations } from './migrations.ts';
import { createSharedTables } from './shared-tables.ts';

export interface NoteTables {
  notes: { id: Uint8Array; text: string };
  counter: { value: number };
}

export const createNotes = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await createTable(db, dialect, 'notes', (table) =>
      table
        .addColumn('id', dialect.types.id, (column) => column.primaryKey().notNull())
        .addColumn('text', dialect.types.longText, (column) => column.notNull()),
    );
    await createTable(db, dialect, 'counter', (table) =>
      table.addColumn('value', dialect.types.integer, (column) => column.notNull()),
    );
    await createSharedTables(db, dialect);
    await startCounter.execute(db);
  },
});

const startCounter = sql`insert into counter (value) select 0 from (select 1) as one where not exists (select 1 from counter)`;

export const noteMigrations: Migrations = (dialect) => ({ '0001-notes': createNotes(dialect) });

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** One more connection to it, as another process would have; closed with it. */
  open(migrations?: Migrations): Promise<Database<NoteTables>>;
}

export interface TestFile extends TestDatabase {
  readonly path: string;
}

/** A database file that is not there yet. */
export async function temporaryFile(): Promise<TestFile> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-database-'));
  const path = join(folder, 'notes.sqlite');
  const at = openedAt(`sqlite:${path}`);
  return {
    ...at,
    path,
    async [Symbol.asyncDispose]() {
      await at[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** A database of the kind at hand, without notes: a file that is not there yet, or tables that others have used. */
export async function temporaryDatabase(): Promise<TestDatabase> {
  if (databaseKind === 'sqlite') return temporaryFile();
  return openedAt(await cleanDatabase('notes'));
}

/** A database of the kind at hand in which no migration has run. */
export const untouchedDatabase = async (): Promise<TestDatabase> => openedAt(await freshDatabase());

function openedAt(url: string): TestDatabase {
  const opened: Database<NoteTables>[] = [];
  return {
    url,
    async open(migrations = noteMigrations) {
      const database = await openDatabase<NoteTables>(url, migrations);
      opened.push(database);
      await database.write((db) => startCounter.execute(db));
      return database;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((database) => database.close()));
    },
  };
}

export async function addNote(database: Database<NoteTables>, text: string): Promise<void> {
  await database.write((transaction) =>
    transaction
      .insertInto('notes')
      .values({ id: idToBytes(newId()), text })
      .execute(),
  );
}

export async function notesOf(database: Database<NoteTables>): Promise<string[]> {
  const rows = await database.read((db) => db.selectFrom('notes').select('text').orderBy('id').execute());
  return rows.map(({ text }) => text);
}
