/** The events that a consumer has handled or parked, by their ids. */
import { type DatabaseDialect, idToBytes, type SharedTables } from '@daybook/database';
import type { Transaction } from 'kysely';

/** False when this consumer has handled one of the events already: then none of them is noted. */
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

/** Notes that an event is handled now, whether or not it was noted before: old rows are swept. */
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
