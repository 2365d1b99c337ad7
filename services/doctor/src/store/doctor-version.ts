/**
 * Locks a doctor and raises the version, which numbers the doctor's events.
 * Every change raises it, including changes of hours and exceptions.
 * The row is locked first, so changes of one doctor are serialized.
 */

import type { VerifiedCaller } from '@daybook/contracts';
import { notFound } from '@daybook/contracts';
import type { DatabaseDialect } from '@daybook/database';
import { ownDoctor } from './ownership.ts';
import type { DoctorRow, Tx } from './tables.ts';

/**
 * Locks a doctor that the caller changes, and returns the row before the change.
 * @throws Refusal `not-found`
 */
export async function lockDoctor(
  tx: Tx,
  dialect: DatabaseDialect,
  caller: VerifiedCaller,
  doctorId: Uint8Array,
): Promise<DoctorRow> {
  let query = tx.selectFrom('doctors').selectAll().where('id', '=', doctorId);
  for (const condition of ownDoctor(caller)) query = query.where(condition);
  const doctor = await query.$if(dialect.supportsRowLocks, (locking) => locking.forUpdate()).executeTakeFirst();
  if (!doctor) throw notFound('doctor');
  return doctor;
}

export async function setDoctorVersion(
  tx: Tx,
  doctorId: Uint8Array,
  version: number,
  now: Temporal.Instant,
): Promise<void> {
  await tx
    .updateTable('doctors')
    .set({ version, updated_at: now.epochMilliseconds })
    .where('id', '=', doctorId)
    .execute();
}
