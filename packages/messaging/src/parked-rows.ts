/** The rows of events that consumers of one database could not handle. */
import { type CloudEvent, type ParkedEvent, Refusal } from '@daybook/contracts';
import {
  asSharedTransaction,
  type Database,
  type DatabaseDialect,
  idFromBytes,
  idToBytes,
  isoFromMillis,
  type ParkedEventsTable,
  type SharedTables,
} from '@daybook/database';
import type { Transaction } from 'kysely';
import { addToInbox } from './inbox.ts';

/** Returns the kind of a failure, because its text may quote a row. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown');

export const notParked = (): Refusal => new Refusal('not-found', 'There is no parked event with this id.');

/** Parks an event and adds it to the inbox, so that a redelivery does not run it again. */
export async function park<Tables>(
  database: Database<Tables>,
  consumer: string,
  event: CloudEvent,
  error: unknown,
): Promise<void> {
  await database.write(async (transaction) => {
    const shared = asSharedTransaction(transaction);
    if (!(await addToInbox(database.dialect, shared, consumer, [event.id]))) return;
    const row = { reason: reasonOf(error), parked_at: Temporal.Now.instant().epochMilliseconds };
    // The row exists when the event was parked so long ago that the inbox was swept.
    if (await updateRow(shared, consumer, event.id, row)) return;
    await shared
      .insertInto('parked_events')
      .values({ consumer, event_id: idToBytes(event.id), event: JSON.stringify(event), ...row })
      .execute();
  });
}

/** Records that a parked event failed again. Returns false when it is no longer parked. */
export const updateParked = <Tables>(
  database: Database<Tables>,
  consumer: string,
  eventId: string,
  error: unknown,
): Promise<boolean> =>
  database.write((transaction) =>
    updateRow(asSharedTransaction(transaction), consumer, eventId, {
      reason: reasonOf(error),
      parked_at: Temporal.Now.instant().epochMilliseconds,
    }),
  );

async function updateRow(
  transaction: Transaction<SharedTables>,
  consumer: string,
  eventId: string,
  row: Pick<ParkedEventsTable, 'reason' | 'parked_at'>,
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('parked_events')
    .set(row)
    .where('consumer', '=', consumer)
    .where('event_id', '=', idToBytes(eventId))
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export interface UnparkedEvent {
  readonly event: CloudEvent;
  readonly parked: ParkedEvent;
  /** Rises whenever the event fails again. */
  readonly version: number;
}

/**
 * Removes a parked event. The row is locked, so the second of two concurrent calls finds nothing.
 * @throws Refusal `not-found`
 */
export async function unpark(
  dialect: DatabaseDialect,
  transaction: Transaction<SharedTables>,
  consumer: string,
  eventId: string,
): Promise<UnparkedEvent> {
  const row = await transaction
    .selectFrom('parked_events')
    .selectAll()
    .where('consumer', '=', consumer)
    .where('event_id', '=', idToBytes(eventId))
    .$if(dialect.supportsRowLocks, (query) => query.forUpdate())
    .executeTakeFirst();
  if (!row) throw notParked();
  await transaction
    .deleteFrom('parked_events')
    .where('consumer', '=', consumer)
    .where('event_id', '=', row.event_id)
    .execute();
  return { event: JSON.parse(row.event), parked: toParkedEvent(row), version: row.parked_at };
}

/** Returns the public fields of a parked event. */
export function toParkedEvent(row: ParkedEventsTable): ParkedEvent {
  const { type, subject, sequence, source, time }: CloudEvent = JSON.parse(row.event);
  return {
    consumer: row.consumer,
    eventId: idFromBytes(row.event_id),
    type,
    subject,
    sequence,
    source,
    time,
    reason: row.reason,
    parkedAt: isoFromMillis(row.parked_at),
  };
}
