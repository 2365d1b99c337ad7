/** For tests: a real database with an outbox and a table for effects, events, and a readable log. */
import type { CloudEvent } from '@daybook/contracts';
import {
  appendEvent,
  asSharedTransaction,
  createSharedTables,
  type Database,
  type Migrations,
  newId,
  openDatabase,
} from '@daybook/database';
import { freshDatabase } from '@daybook/testing/databases';
import { type Kysely, sql } from 'kysely';
import { type Logger, pino } from 'pino';

export interface EffectTables {
  effects: { text: string };
}

export const effectMigrations: Migrations = (dialect) => ({
  '0001-effects': {
    async up(db: Kysely<never>) {
      await db.schema
        .createTable('effects')
        .addColumn('text', dialect.types.text(100), (column) => column.notNull())
        .execute();
      await createSharedTables(db, dialect);
    },
  },
});

export interface TestDatabases extends AsyncDisposable {
  /** Opens another connection, as another process would. */
  open(): Promise<Database<EffectTables>>;
  /** Opens a database in memory, which reads and writes over one connection. */
  openInMemory(): Promise<Database<EffectTables>>;
}

export async function temporaryDatabase(): Promise<TestDatabases> {
  const url = await freshDatabase();
  const opened: Database<EffectTables>[] = [];
  async function open(url: string): Promise<Database<EffectTables>> {
    const database = await openDatabase<EffectTables>(url, effectMigrations);
    opened.push(database);
    return database;
  }
  return {
    open: () => open(url),
    openInMemory: () => open('sqlite::memory:'),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((database) => database.close()));
    },
  };
}

/** Makes all writes to a database in memory fail, as on a read-only disk, or work again. */
export const setReadOnly = (database: Database<EffectTables>, on: boolean) =>
  database.read((db) => sql.raw(`pragma query_only = ${on ? 'on' : 'off'}`).execute(db));

/** Limits the pages of a database to `pages`, or to those in use if more. This simulates a full disk. */
export const setRoom = (database: Database<EffectTables>, pages: number) =>
  database.write((db) => sql.raw(`pragma max_page_count = ${pages}`).execute(db));

export const effectsOf = async (database: Database<EffectTables>): Promise<string[]> =>
  (await database.read((db) => db.selectFrom('effects').select('text').execute())).map(({ text }) => text);

/** Writes events of these subjects in one transaction, as a service does with the change. */
export async function writeEvents(
  database: Database<EffectTables>,
  events: readonly (readonly [string, number])[],
): Promise<void> {
  await database.write(async (transaction) => {
    for (const [subject, sequence] of events) {
      await appendEvent(
        asSharedTransaction(transaction),
        { type: 'daybook.patient.updated.v1', subject, sequence, data: { patientId: subject } },
        { source: '/tests', time: Temporal.Now.instant() },
      );
    }
  });
}

export const dueIn = async (database: Database<EffectTables>): Promise<number> =>
  (await database.read((db) => db.selectFrom('outbox').select('position').execute())).length;

export const eventOf = (subject: string): CloudEvent<'daybook.patient.updated.v1'> => ({
  specversion: '1.0',
  id: newId(),
  source: '/tests',
  type: 'daybook.patient.updated.v1',
  subject,
  time: '2026-11-23T14:00:00Z',
  datacontenttype: 'application/json',
  sequence: 1,
  data: { patientId: subject },
});

export function readableLog(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  return { logger: pino({ level: 'debug' }, { write: (line: string) => lines.push(line) }), lines };
}
