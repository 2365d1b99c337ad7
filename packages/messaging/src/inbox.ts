/** The events that a consumer has handled or parked, by their ids. */
import { type DatabaseDialect, idToBytes, type SharedTables } from '@daybook/database';
import type { Transaction } from 'kysely';

/** The statement that notes events as handled. Their key refuses it when any of them was handled before. */
export function insertIntoInbox(transaction: Transaction<SharedTables>, consumer: string, eventIds: readonly string[]) {
  const handled_at = Temporal.Now.instant().epochMilliseconds;
  const rows = eventIds.map((id) => ({ consumer, event_id: idToBytes(id), handled_at }));
  return transaction.insertInto('inbox').values(rows);
}

/** False when this consumer has handled the event already. */
export async function enterInbox(
  dialect: DatabaseDialect,
  transaction: Transaction<SharedTables>,
  consumer: string,
  eventId: string,
): Promise<boolean> {
  try {
    await insertIntoInbox(transaction, consumer, [eventId]).execute();
    return true;
  } catch (error) {
    if (dialect.isUniqueViolation(error)) return false;
    throw error;
  }
}

/** Notes that an event is handled now, whether or not it was noted before: old rows are swept. */
export async function enterInboxAgain(
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
  await enterInbox(dialect, transaction, consumer, eventId);
}
