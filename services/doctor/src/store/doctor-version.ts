/**
 * Locks a doctor and raises the version, which numbers the doctor's events.
 * Every change raises it, including changes of hours and exceptions.
 * The row is locked first, so changes of one doctor are serialized.
 */
import { Refusal } from '@daybook/contracts';
import type { DatabaseDialect, SharedTables } from '@daybook/database';
import type { Transaction } from 'kysely';
import type { DoctorTables } from './tables.ts';

type DoctorTransaction = Transaction<DoctorTables & SharedTables>;

/**
 * Locks a doctor and returns the version before the change.
 * @throws Refusal `not-found`
 */
export async function lockDoctor(
  transaction: DoctorTransaction,
  dialect: DatabaseDialect,
  doctorId: Uint8Array,
): Promise<number> {
  const doctor = await transaction
    .selectFrom('doctors')
    .select('version')
    .where('id', '=', doctorId)
    .$if(dialect.supportsRowLocks, (query) => query.forUpdate())
    .executeTakeFirst();
  if (!doctor) throw new Refusal('not-found', 'There is no doctor with this id.');
  return doctor.version;
}

export async function setDoctorVersion(
  transaction: DoctorTransaction,
  doctorId: Uint8Array,
  version: number,
  now: Temporal.Instant,
): Promise<void> {
  await transaction
    .updateTable('doctors')
    .set({ version, updated_at: now.epochMilliseconds })
    .where('id', '=', doctorId)
    .execute();
}
