/**
 * Records the recipients of appointments' messages after merges of patient records.
 * The records do not depend on the order of events.
 * A message whose event was parked goes to the present patient of the appointment.
 */
import type { AppointmentEventData } from '@daybook/contracts';
import { idFromBytes, idToBytes } from '@daybook/database';
import type { Tx } from './tables.ts';

export interface RecipientChange extends Pick<AppointmentEventData, 'appointmentId' | 'patientId'> {
  /** The sequence of the change within its appointment. */
  readonly sequence: number;
}

/** Assigns the messages of appointments to their present patients, unless a newer change is recorded. */
export async function reassignRecipients(tx: Tx, changes: readonly RecipientChange[]): Promise<void> {
  for (const { appointmentId, patientId, sequence } of changes) {
    const [appointment_id, patient_id] = [idToBytes(appointmentId), idToBytes(patientId)];
    await tx.insertInto('appointment_patients').ignore().values({ appointment_id, patient_id, sequence: 0 }).execute();
    await tx
      .updateTable('appointment_patients')
      .set({ patient_id, sequence })
      .where('appointment_id', '=', appointment_id)
      .where('sequence', '<', sequence)
      .execute();
    const recipients = await readRecipients(tx, [{ appointmentId }]);
    await tx
      .updateTable('messages')
      .set({ patient_id: recipients.get(appointmentId) ?? patient_id })
      .where('appointment_id', '=', appointment_id)
      .execute();
  }
}

/** Returns the patients of appointments after a merge, by the appointment's id as an event writes it. */
export async function readRecipients(
  tx: Tx,
  appointments: readonly Pick<AppointmentEventData, 'appointmentId'>[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const ids = appointments.map(({ appointmentId }) => idToBytes(appointmentId));
  const rows = await tx.selectFrom('appointment_patients').selectAll().where('appointment_id', 'in', ids).execute();
  return new Map(rows.map(({ appointment_id, patient_id }) => [idFromBytes(appointment_id), patient_id]));
}
