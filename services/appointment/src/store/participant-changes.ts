/** What an event told of a patient or doctor, kept in the transaction of the consumer. */
import type { AppointmentType, CloudEvent } from '@daybook/contracts';
import { type Database, idToBytes, WriteConflict } from '@daybook/database';
import { UPCOMING_STATUSES } from '../domain/booking/lifecycle.ts';
import type { Tx } from './appointment-changes.ts';
import { recordVersion } from './participant-versions.ts';
import type { AppointmentTables, RevalidationRow } from './tables.ts';

export type ParticipantKind = Exclude<RevalidationRow['kind'], 'type'>;

export const participantColumn = (kind: ParticipantKind) => (kind === 'patient' ? 'patient_id' : 'doctor_id');

/** Whoever has appointments to come has to be looked at again. */
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

/** Has the appointments to come of a person looked at again, where there are any. `version` is the newest that is known. */
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

/** Notes that the appointments of a type have to be looked at again: it is in use no more, or again. */
export const recordTypeChange = (
  tx: Tx,
  database: Database<AppointmentTables>,
  { id, version }: Pick<AppointmentType, 'id' | 'version'>,
  now: number,
) => insertRevalidation(tx, database, { subject_id: idToBytes(id), kind: 'type', version, attempts: 0, due_at: now });
