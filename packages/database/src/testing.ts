/** For this package's tests: a database of notes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanDatabase, databaseKind, freshDatabase } from '@daybook/testing/databases';
import type { Database } from './database.ts';
import type { Migrations } from './migrations.ts';
import { openDatabase } from './open-database.ts';
import { type NoteTables, noteMigrations, startCounter } from './testing-notes.ts';

export * from './testing-notes.ts';

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
