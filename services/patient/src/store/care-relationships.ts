/** Records which doctor treats which patient: until 90 days after a visit. */
import { type AppointmentEventData, DAY, toMillis } from '@daybook/contracts';
import { type Database, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { CareRelationshipRow, PatientTables, Tx } from './tables.ts';

/** How long after a visit a doctor reads the patient. */
export const DAYS_AFTER_VISIT = 90;

export interface Visit extends Pick<AppointmentEventData, 'appointmentId' | 'doctorId' | 'patientId' | 'end'> {
  readonly isCancelled: boolean;
  /** The sequence of the change within its appointment. */
  readonly sequence: number;
}

/** Records the newest state of visits. An older state of a visit changes nothing. */
export async function recordVisits(tx: Tx, visits: readonly Visit[]): Promise<void> {
  for (const { appointmentId, doctorId, patientId, end, isCancelled, sequence } of visits) {
    const source_id = idToBytes(appointmentId);
    const state: Omit<CareRelationshipRow, 'source_id'> = {
      doctor_id: idToBytes(doctorId),
      patient_id: idToBytes(patientId),
      active: isCancelled ? 0 : 1,
      ends_at: toMillis(end) + DAYS_AFTER_VISIT * DAY,
      sequence,
    };
    await tx
      .insertInto('care_relationships')
      .ignore()
      .values({ source_id, ...state, sequence: 0 })
      .execute();
    await tx
      .updateTable('care_relationships')
      .set(state)
      .where('source_id', '=', source_id)
      .where('sequence', '<', sequence)
      .execute();
  }
}

const ROWS_A_STEP = 500;

/** Deletes relationships that have ended. Returns how many it read. */
export async function sweepRelationships(database: Database<PatientTables>, clock: Clock): Promise<number> {
  const now = clock().epochMilliseconds;
  return database.write(async (tx) => {
    const ended = await tx
      .selectFrom('care_relationships')
      .select('source_id')
      .where('ends_at', '<=', now)
      .limit(ROWS_A_STEP)
      .execute();
    if (ended.length === 0) return 0;
    const ids = ended.map(({ source_id }) => source_id);
    // Checks the end again, because an event may have moved the visit since.
    await tx.deleteFrom('care_relationships').where('source_id', 'in', ids).where('ends_at', '<=', now).execute();
    return ended.length;
  });
}
