/** For this package's tests: a database file of notes in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type Database, openDatabase } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import { idToBytes, newId } from './id.ts';
import type { Migrations } from './migrations.ts';
import { createSharedTables } from './shared-tables.ts';

export interface NoteTables {
  notes: { id: Uint8Array; text: string };
  counter: { value: number };
}

/** Would fail or count twice if it ran twice. */
export const createNotes = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await db.schema
      .createTable('notes')
      .addColumn('id', dialect.types.id, (column) => column.primaryKey().notNull())
      .addColumn('text', dialect.types.text(100), (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('counter')
      .addColumn('value', dialect.types.integer, (column) => column.notNull())
      .execute();
    await sql`insert into counter (value) values (0)`.execute(db);
    await createSharedTables(db, dialect);
  },
});

export const noteMigrations: Migrations = (dialect) => ({ '0001-notes': createNotes(dialect) });

export interface TestFile extends AsyncDisposable {
  readonly path: string;
  readonly url: string;
  /** One more connection to the file; closed with it. */
  open(migrations?: Migrations): Promise<Database<NoteTables>>;
}

/** A database file that is not there yet. */
export async function temporaryFile(): Promise<TestFile> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-database-'));
  const path = join(folder, 'notes.sqlite');
  const opened: Database<NoteTables>[] = [];
  return {
    path,
    url: `sqlite:${path}`,
    async open(migrations = noteMigrations) {
      const database = await openDatabase<NoteTables>(`sqlite:${path}`, migrations);
      opened.push(database);
      return database;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((database) => database.close()));
      await rm(folder, { recursive: true });
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
