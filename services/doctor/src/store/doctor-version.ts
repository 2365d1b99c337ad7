/**
 * Whatever changes of a doctor, hours and exceptions included, raises the version of the doctor: it numbers the doctor's
 * events. The row is locked first, so changes of one doctor come one after the other.
 */
import { Refusal } from '@daybook/contracts';
import type { DatabaseDialect, SharedTables } from '@daybook/database';
import type { Transaction } from 'kysely';
import type { DoctorTables } from './tables.ts';

type DoctorTransaction = Transaction<DoctorTables & SharedTables>;

/**
 * The version before the change.
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
  if (!doctor) throw new Refusal('not-found', 'There is no such doctor.');
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
