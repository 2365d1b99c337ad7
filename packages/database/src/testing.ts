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
  /** Opens another connection to it, as another process would; closed with it. */
  open(migrations?: Migrations): Promise<Database<NoteTables>>;
}

export interface TestFile extends TestDatabase {
  readonly path: string;
}

/** Returns the path of a database file that does not exist yet. */
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

/** Returns an empty database of the tested kind: a new file, or tables that earlier tests used. */
export async function temporaryDatabase(): Promise<TestDatabase> {
  if (databaseKind === 'sqlite') return temporaryFile();
  return openedAt(await cleanDatabase('notes'));
}

/** Returns a database of the tested kind without migrations. */
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
