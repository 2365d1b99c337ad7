/**
 * Reassigns the appointments of patients whose records were merged.
 * The patient of an appointment depends on two facts: the record that it was booked for, and the present merges.
 * `moved_appointments` has the first for those that were reassigned; `merged_patients` has the second.
 * So events may repeat or arrive in another order, and an unmerge returns exactly what a merge reassigned.
 */
import { permit, type VerifiedCaller } from '@daybook/contracts';
import { type Database, type DatabaseDialect, idFromBytes, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { lockTarget, targetsIn } from './merge-chains.ts';
import { recordVersion } from './participant-versions.ts';
import { findMisplaced, REASSIGN_BATCH_SIZE, reassignAppointment } from './reassignments.ts';
import { retryPauseMillis } from './retry-pause.ts';
import { requestRevalidation } from './revalidation-requests.ts';
import type { AppointmentTables, Tx } from './tables.ts';

/** A merge or an unmerge of a record. */
export interface MergeChange {
  readonly patientId: string;
  /** Undefined after an unmerge. */
  readonly into: string | undefined;
  /** The version of the record after the change. */
  readonly version: number;
}

/**
 * Records a merge or an unmerge in the transaction of the consumer, unless a newer one is recorded.
 * A booking that was verified before is either stored already and reassigned, or rejected with StaleFacts.
 */
export async function recordMerge(
  tx: Tx,
  dialect: DatabaseDialect,
  { patientId, into, version }: MergeChange,
  now: number,
): Promise<void> {
  await recordVersion(tx, dialect, { id: patientId, version });
  const patient_id = idToBytes(patientId);
  const unknown = { patient_id, merged_into: null, version: 0, attempts: 0, due_at: null };
  await tx.insertInto('merged_patients').ignore().values(unknown).execute();
  const merged_into = into === undefined ? null : idToBytes(into);
  await tx
    .updateTable('merged_patients')
    .set({ merged_into, version, attempts: 0, due_at: now })
    .where('patient_id', '=', patient_id)
    .where('version', '<', version)
    .execute();
}

export interface PatientMergeStore {
  /** Returns a record whose appointments are due. */
  next(caller: VerifiedCaller): Promise<string | undefined>;
  /** Reassigns a batch of a record's appointments to where they belong. Returns true when more may be left. */
  reassignBatch(caller: VerifiedCaller, patientId: string): Promise<boolean>;
  /** Postpones a record that failed. */
  postpone(caller: VerifiedCaller, patientId: string): Promise<void>;
}

export function createPatientMergeStore(database: Database<AppointmentTables>, clock: Clock): PatientMergeStore {
  const { dialect } = database;
  const now = () => clock().epochMilliseconds;

  return {
    async next(caller) {
      permit(caller, ['service']);
      const row = await database.read((db) =>
        db
          .selectFrom('merged_patients')
          .select('patient_id')
          .where('due_at', '<=', now())
          .orderBy('due_at')
          .limit(1)
          .executeTakeFirst(),
      );
      return row && idFromBytes(row.patient_id);
    },

    async reassignBatch(caller, id) {
      permit(caller, ['service']);
      const patientId = idToBytes(id);
      return database.write(async (tx) => {
        const { target, targetVersion: version } = await lockTarget(tx, dialect, patientId);
        const state = { patientId, target, targetOf: targetsIn(tx, dialect) };
        const misplaced = await findMisplaced(tx, state);
        for (const appointmentId of misplaced) {
          await reassignAppointment(tx, { dialect, caller, clock }, appointmentId, state);
        }
        if (misplaced.length === REASSIGN_BATCH_SIZE) return true;
        await requestRevalidation(tx, dialect, { kind: 'patient', subject_id: target, version }, now());
        await tx.updateTable('merged_patients').set({ due_at: null }).where('patient_id', '=', patientId).execute();
        return false;
      });
    },

    async postpone(caller, id) {
      permit(caller, ['service']);
      const patient_id = idToBytes(id);
      await database.write(async (tx) => {
        const rows = tx.selectFrom('merged_patients').select('attempts').where('patient_id', '=', patient_id);
        const { attempts } = await rows.executeTakeFirstOrThrow();
        await tx
          .updateTable('merged_patients')
          .set({ attempts: attempts + 1, due_at: now() + retryPauseMillis(attempts) })
          .where('patient_id', '=', patient_id)
          .where('due_at', 'is not', null)
          .execute();
      });
    },
  };
}
