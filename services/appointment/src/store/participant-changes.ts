/** Records changes of patients, doctors and types in the transaction of the consumer. */
import type { AppointmentType, CloudEvent } from '@daybook/contracts';
import { type Database, idToBytes, WriteConflict } from '@daybook/database';
import { UPCOMING_STATUSES } from '../domain/booking/lifecycle.ts';
import { recordVersion } from './participant-versions.ts';
import type { AppointmentTables, RevalidationRow, Tx } from './tables.ts';

export type ParticipantKind = Exclude<RevalidationRow['kind'], 'type'>;

export const participantColumn = (kind: ParticipantKind) => (kind === 'patient' ? 'patient_id' : 'doctor_id');

/** Records the version of a patient or doctor, and requests revalidation when future appointments exist. */
export async function recordParticipantChange(
  tx: Tx,
  database: Database<AppointmentTables>,
  kind: ParticipantKind,
  { subject, sequence }: CloudEvent,
  now: number,
): Promise<void> {
  if (!(await recordVersion(tx, database.dialect, { id: subject, version: sequence }))) return;
  await requestRevalidation(tx, database, kind, idToBytes(subject), sequence, now);
}

/**
 * Requests revalidation of a participant's future appointments, if there are any. `version` is the newest known one.
 */
export async function requestRevalidation(
  tx: Tx,
  database: Database<AppointmentTables>,
  kind: ParticipantKind,
  subject_id: Uint8Array,
  version: number,
  now: number,
): Promise<void> {
  const appointment = await tx
    .selectFrom('appointments')
    .select('id')
    .where(participantColumn(kind), '=', subject_id)
    .where('starts_at', '>', now)
    .where('status', 'in', UPCOMING_STATUSES)
    .limit(1)
    .executeTakeFirst();
  if (!appointment) return;
  await insertRevalidation(tx, database, { subject_id, kind, version, attempts: 0, due_at: now });
}

async function insertRevalidation(
  tx: Tx,
  { dialect }: Database<AppointmentTables>,
  row: RevalidationRow,
): Promise<void> {
  await tx.deleteFrom('revalidations').where('subject_id', '=', row.subject_id).execute();
  try {
    await tx.insertInto('revalidations').values(row).execute();
  } catch (error) {
    throw dialect.isUniqueViolation(error) ? new WriteConflict(error) : error;
  }
}

/** Requests revalidation of a type's appointments, because the type became inactive or active. */
export const recordTypeChange = (
  tx: Tx,
  database: Database<AppointmentTables>,
  { id, version }: Pick<AppointmentType, 'id' | 'version'>,
  now: number,
) => insertRevalidation(tx, database, { subject_id: idToBytes(id), kind: 'type', version, attempts: 0, due_at: now });
