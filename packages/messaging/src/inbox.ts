/** The ids of the events that a consumer has handled or parked. */
import { type DatabaseDialect, idToBytes, type SharedTables } from '@daybook/database';
import type { Transaction } from 'kysely';

/** Adds events to the inbox. Returns false, and adds none, when this consumer has already handled one of them. */
export async function addToInbox(
  dialect: DatabaseDialect,
  transaction: Transaction<SharedTables>,
  consumer: string,
  eventIds: readonly string[],
): Promise<boolean> {
  const handled_at = Temporal.Now.instant().epochMilliseconds;
  const rows = eventIds.map((id) => ({ consumer, event_id: idToBytes(id), handled_at }));
  try {
    await transaction.insertInto('inbox').values(rows).execute();
    return true;
  } catch (error) {
    if (dialect.isUniqueViolation(error)) return false;
    throw error;
  }
}

/** Marks an event as handled now, whether or not the inbox has it, because old rows are swept. */
export async function replaceInInbox(
  dialect: DatabaseDialect,
  transaction: Transaction<SharedTables>,
  consumer: string,
  eventId: string,
): Promise<void> {
  await transaction
    .deleteFrom('inbox')
    .where('consumer', '=', consumer)
    .where('event_id', '=', idToBytes(eventId))
    .execute();
  await addToInbox(dialect, transaction, consumer, [eventId]);
}
