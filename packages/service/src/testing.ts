/** For this package's tests: a readable log, a database of things, and an application that serves them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createSharedTables, type Database, type Migrations, openDatabase } from '@daybook/database';
import { cleanDatabase, databaseKind } from '@daybook/testing/databases';
import type { Kysely } from 'kysely';
import { createServiceApp, type ServiceAppOptions } from './http/app.ts';
import type { App } from './http/app-type.ts';
import { knownHostsOf } from './http/known-hosts.ts';
import { createLogger, type LogFormat, type Logger } from './observability/logger.ts';
import { prettyDestination } from './observability/pretty-log.ts';

/** Creates a log that keeps its lines. */
export function readableLog(format: LogFormat = 'json'): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  const logger = createLogger({
    level: 'debug',
    destination: format === 'pretty' ? prettyDestination(destination) : destination,
  });
  return { logger, lines };
}

/** Creates an application without its own routes, and its log. */
export async function bareApp(options: Partial<ServiceAppOptions> = {}): Promise<{ app: App; lines: string[] }> {
  const { logger, lines } = readableLog();
  const app = await createServiceApp({ name: 'thing-service', logger, ...options });
  // For handwritten requests.
  knownHostsOf(app).add('x');
  return { app, lines };
}

export interface ThingTables {
  things: { name: string };
}

export const thingMigrations: Migrations = (dialect) => ({
  '0001-things': {
    async up(db: Kysely<never>) {
      await db.schema
        .createTable('things')
        .addColumn('name', dialect.types.text(100), (column) => column.notNull().unique())
        .execute();
      await createSharedTables(db, dialect);
    },
  },
});

export interface TestFolder extends AsyncDisposable {
  readonly path: string;
  readonly url: string;
  /** Opens another connection to the database: a file in the folder, or a database on a server. */
  open(): Promise<Database<ThingTables>>;
}

export async function temporaryFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-service-'));
  const url = databaseKind === 'sqlite' ? `sqlite:${join(path, 'things.sqlite')}` : await cleanDatabase('things');
  const opened: Database<ThingTables>[] = [];
  return {
    path,
    url,
    async open() {
      const database = await openDatabase<ThingTables>(url, thingMigrations);
      opened.push(database);
      return database;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((database) => database.close()));
      await rm(path, { recursive: true });
    },
  };
}

export const thingsOf = async (database: Database<ThingTables>): Promise<string[]> =>
  (await database.read((db) => db.selectFrom('things').select('name').orderBy('name').execute())).map(
    ({ name }) => name,
  );
