/** The tables of every service's database next to its own: outbox, inbox, idempotency keys, parked events. */
import type { Generated, Kysely, Transaction } from 'kysely';
import { createTable } from './create-table.ts';
import type { DatabaseDialect } from './dialect.ts';

export interface OutboxTable {
  /** Rises in the order of writes. A row exists while its event is due. */
  position: Generated<number>;
  event_id: Uint8Array;
  /** The CloudEvent, as JSON. */
  event: string;
  subject: Uint8Array;
  created_at: number;
}

export interface InboxTable {
  consumer: string;
  event_id: Uint8Array;
  handled_at: number;
}

export interface ParkedEventsTable {
  consumer: string;
  event_id: Uint8Array;
  event: string;
  /** The kind of failure, never its data. */
  reason: string;
  parked_at: number;
}

export interface IdempotencyKeysTable {
  caller_id: string;
  key: string;
  fingerprint: Uint8Array;
  status: number;
  headers: string;
  body: string;
  created_at: number;
}

export interface SharedTables {
  outbox: OutboxTable;
  inbox: InboxTable;
  parked_events: ParkedEventsTable;
  idempotency_keys: IdempotencyKeysTable;
}

/** A transaction on the database of any service. */
export type SharedTransaction = Transaction<SharedTables>;

/** Casts to the shared tables, which every database has but TypeScript cannot infer from a type parameter. */
export const asSharedTransaction = <Tables>(
  transaction: Transaction<Tables & SharedTables>,
): Transaction<SharedTables> => transaction as unknown as Transaction<SharedTables>;

/** Creates the shared tables in a service's first migration. */
export async function createSharedTables(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'outbox', (table) =>
    table
      .addColumn('position', types.position, (column) => column.primaryKey().autoIncrement())
      .addColumn('event_id', types.id, (column) => column.notNull())
      .addColumn('event', types.longText, (column) => column.notNull())
      .addColumn('subject', types.id, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull()),
  );
  await createTable(
    db,
    dialect,
    'inbox',
    (table) =>
      clustered(
        table
          .addColumn('consumer', types.text(100), (column) => column.notNull())
          .addColumn('event_id', types.id, (column) => column.notNull())
          .addColumn('handled_at', types.instant, (column) => column.notNull())
          .addPrimaryKeyConstraint('inbox_pk', ['consumer', 'event_id']),
      ),
    { inbox_age: ['handled_at'] },
  );
  await createTable(
    db,
    dialect,
    'parked_events',
    (table) =>
      clustered(
        table
          .addColumn('consumer', types.text(100), (column) => column.notNull())
          .addColumn('event_id', types.id, (column) => column.notNull())
          .addColumn('event', types.longText, (column) => column.notNull())
          .addColumn('reason', types.text(200), (column) => column.notNull())
          .addColumn('parked_at', types.instant, (column) => column.notNull())
          .addPrimaryKeyConstraint('parked_events_pk', ['consumer', 'event_id']),
      ),
    { parked_events_by_age: ['parked_at', 'consumer', 'event_id'] },
  );
  await createTable(
    db,
    dialect,
    'idempotency_keys',
    (table) =>
      clustered(
        table
          .addColumn('caller_id', types.text(100), (column) => column.notNull())
          .addColumn('key', types.text(255), (column) => column.notNull())
          .addColumn('fingerprint', types.bytes, (column) => column.notNull())
          .addColumn('status', types.integer, (column) => column.notNull())
          .addColumn('headers', types.longText, (column) => column.notNull())
          .addColumn('body', types.longText, (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addPrimaryKeyConstraint('idempotency_keys_pk', ['caller_id', 'key']),
      ),
    { idempotency_keys_age: ['created_at'] },
  );
}
