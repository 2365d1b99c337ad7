/**
 * Whose the messages of an appointment are, once records of patients were merged. What is noted here outlives the order of
 * events: a message whose event was parked and comes late goes to the patient whose appointment it is now.
 */
import type { AppointmentEventData } from '@daybook/contracts';
import { idFromBytes, idToBytes, type SharedTables } from '@daybook/database';
import type { Transaction } from 'kysely';
import type { NotificationTables } from './tables.ts';

type Tx = Transaction<NotificationTables & SharedTables>;

export interface RecipientChange extends Pick<AppointmentEventData, 'appointmentId' | 'patientId'> {
  /** Of the change within its appointment. */
  readonly sequence: number;
}

/** Gives the messages of appointments to the patients who have them now; nothing where something newer is noted. */
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

/** The patients who have appointments since a merge, by the appointment's id as an event writes it. */
export async function readRecipients(
  tx: Tx,
  appointments: readonly Pick<AppointmentEventData, 'appointmentId'>[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const ids = appointments.map(({ appointmentId }) => idToBytes(appointmentId));
  const rows = await tx.selectFrom('appointment_patients').selectAll().where('appointment_id', 'in', ids).execute();
  return new Map(rows.map(({ appointment_id, patient_id }) => [idFromBytes(appointment_id), patient_id]));
}
