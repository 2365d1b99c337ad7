/**
 * Requests revalidations, in the transaction of the change that makes them due.
 * The worker reads them from `revalidation.ts`.
 */
import type { AppointmentType, CloudEvent } from '@daybook/contracts';
import { type DatabaseDialect, idToBytes, mapUniqueViolation, WriteConflict } from '@daybook/database';
import { UPCOMING_STATUSES } from '../domain/booking/lifecycle.ts';
import { recordVersion } from './participant-versions.ts';
import type { RevalidationRow, Tx } from './tables.ts';

export type ParticipantKind = Exclude<RevalidationRow['kind'], 'type'>;

/** Requests revalidation after an event of a patient or doctor, unless a newer one was recorded. */
export async function recordParticipantChange(
  tx: Tx,
  dialect: DatabaseDialect,
  kind: ParticipantKind,
  { subject, sequence }: CloudEvent,
  now: number,
): Promise<void> {
  if (!(await recordVersion(tx, dialect, { id: subject, version: sequence }))) return;
  await requestRevalidation(tx, dialect, { kind, subject_id: idToBytes(subject), version: sequence }, now);
}

/** A patient or doctor with the newest known version. */
type ParticipantToRevalidate = Pick<RevalidationRow, 'subject_id' | 'version'> & { kind: ParticipantKind };

/** Requests revalidation of a participant's future appointments, if there are any. */
export async function requestRevalidation(
  tx: Tx,
  dialect: DatabaseDialect,
  participant: ParticipantToRevalidate,
  now: number,
): Promise<void> {
  const appointment = await tx
    .selectFrom('appointments')
    .select('id')
    .where(participant.kind === 'patient' ? 'patient_id' : 'doctor_id', '=', participant.subject_id)
    .where('starts_at', '>', now)
    .where('status', 'in', UPCOMING_STATUSES)
    .limit(1)
    .executeTakeFirst();
  if (appointment) await insertRequest(tx, dialect, participant, now);
}

/** Requests revalidation of a type's appointments, because the type became inactive or active. */
export const requestTypeRevalidation = (
  tx: Tx,
  dialect: DatabaseDialect,
  { id, version }: Pick<AppointmentType, 'id' | 'version'>,
  now: number,
) => insertRequest(tx, dialect, { subject_id: idToBytes(id), kind: 'type', version }, now);

/** Replaces any earlier request for the subject. */
async function insertRequest(
  tx: Tx,
  dialect: DatabaseDialect,
  subject: Pick<RevalidationRow, 'subject_id' | 'kind' | 'version'>,
  now: number,
): Promise<void> {
  await tx.deleteFrom('revalidations').where('subject_id', '=', subject.subject_id).execute();
  const row = { ...subject, attempts: 0, due_at: now };
  await mapUniqueViolation(
    dialect,
    tx.insertInto('revalidations').values(row).execute(),
    (violation) => new WriteConflict(violation),
  );
}
