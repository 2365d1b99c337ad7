/** What an event told of a patient or doctor, kept in the transaction of the consumer. */
import type { AppointmentType, CloudEvent } from '@daybook/contracts';
import { type Database, idToBytes, Overtaken } from '@daybook/database';
import { TO_COME } from '../domain/lifecycle.ts';
import type { Tx } from './change.ts';
import { noteVersion } from './person-versions.ts';
import type { AppointmentTables, RecheckRow } from './tables.ts';

export type PersonKind = Exclude<RecheckRow['kind'], 'type'>;

export const ofPerson = (kind: PersonKind) => (kind === 'patient' ? 'patient_id' : 'doctor_id');

/** Whoever has appointments to come has to be looked at again. */
export async function noteChange(
  tx: Tx,
  database: Database<AppointmentTables>,
  kind: PersonKind,
  { subject, sequence }: CloudEvent,
  now: number,
): Promise<void> {
  if (!(await noteVersion(tx, database.dialect, { id: subject, version: sequence }))) return;
  await demandRecheck(tx, database, kind, idToBytes(subject), sequence, now);
}

/** Has the appointments to come of a person looked at again, where there are any. `version` is the newest that is known. */
export async function demandRecheck(
  tx: Tx,
  database: Database<AppointmentTables>,
  kind: PersonKind,
  person_id: Uint8Array,
  version: number,
  now: number,
): Promise<void> {
  const appointment = await tx
    .selectFrom('appointments')
    .select('id')
    .where(ofPerson(kind), '=', person_id)
    .where('starts_at', '>', now)
    .where('status', 'in', TO_COME)
    .limit(1)
    .executeTakeFirst();
  if (!appointment) return;
  await noteRecheck(tx, database, { person_id, kind, version, attempts: 0, due_at: now });
}

async function noteRecheck(tx: Tx, { dialect }: Database<AppointmentTables>, row: RecheckRow): Promise<void> {
  await tx.deleteFrom('rechecks').where('person_id', '=', row.person_id).execute();
  try {
    await tx.insertInto('rechecks').values(row).execute();
  } catch (error) {
    throw dialect.isUniqueViolation(error) ? new Overtaken(error) : error;
  }
}

/** Notes that the appointments of a type have to be looked at again: it is in use no more, or again. */
export const noteTypeChange = (
  tx: Tx,
  database: Database<AppointmentTables>,
  { id, version }: Pick<AppointmentType, 'id' | 'version'>,
  now: number,
) => noteRecheck(tx, database, { person_id: idToBytes(id), kind: 'type', version, attempts: 0, due_at: now });
