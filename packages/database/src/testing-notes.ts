/** For this package's tests, also those in separate processes: notes, and a counter. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Migration } from 'kysely/migration';
import { createTable } from './create-table.ts';
import type { Database } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import { idToBytes, newId } from './id.ts';
import type { Migrations } from './migrations.ts';
import { createSharedTables, type SharedTables } from './shared-tables.ts';

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

export const startCounter = sql`insert into counter (value) select 0 from (select 1) as one where not exists (select 1 from counter)`;

export const noteMigrations: Migrations = (dialect) => ({ '0001-notes': createNotes(dialect) });

/** Returns the statement that adds a note. */
export const insertNote = (transaction: Transaction<NoteTables & SharedTables>, text: string, id = newId()) =>
  transaction.insertInto('notes').values({ id: idToBytes(id), text });

export async function addNote(database: Database<NoteTables>, text: string): Promise<void> {
  await database.write((transaction) => insertNote(transaction, text).execute());
}

export async function notesOf(database: Database<NoteTables>): Promise<string[]> {
  const rows = await database.read((db) => db.selectFrom('notes').select('text').orderBy('id').execute());
  return rows.map(({ text }) => text);
}
