/** Two services that exchange events: an outbox in one SQLite file, an inbox and effects in another. */
import { join } from 'node:path';
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
import { temporaryFolder } from '@daybook/testing';
import type { Kysely } from 'kysely';

export interface EffectTables {
  effects: { text: string };
}

const migrations: Migrations = (dialect) => ({
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

export interface Effects extends AsyncDisposable {
  readonly publishing: Database<EffectTables>;
  readonly consuming: Database<EffectTables>;
  /** Returns how many events wait in the outbox. */
  due(): Promise<number>;
}

export async function openEffects(): Promise<Effects> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const open = async (name: string) => {
    const database = await openDatabase<EffectTables>(`sqlite:${join(folder.path, name)}`, migrations);
    stack.defer(() => database.close());
    return database;
  };
  const [publishing, consuming] = [await open('publishing.sqlite'), await open('consuming.sqlite')];
  return {
    publishing,
    consuming,
    async due() {
      const rows = await publishing.read((db) =>
        db
          .selectFrom('outbox')
          .select(({ fn }) => fn.countAll<number>().as('due'))
          .execute(),
      );
      return Number(rows[0]?.due);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Writes one change for each subject, in one transaction. */
export async function writeEvents(database: Database<EffectTables>, changes: readonly (readonly [string, number])[]) {
  await database.write(async (transaction) => {
    for (const [subject, sequence] of changes) {
      await appendEvent(
        asSharedTransaction(transaction),
        { type: 'daybook.patient.updated.v1', subject, sequence, data: { patientId: subject } },
        { source: '/bench', time: Temporal.Now.instant() },
      );
    }
  });
}

export const eventOf = (subject: string, sequence: number): CloudEvent<'daybook.patient.updated.v1'> => ({
  specversion: '1.0',
  id: newId(),
  source: '/bench',
  type: 'daybook.patient.updated.v1',
  subject,
  time: '2026-11-23T14:00:00Z',
  datacontenttype: 'application/json',
  sequence,
  data: { patientId: subject },
});
