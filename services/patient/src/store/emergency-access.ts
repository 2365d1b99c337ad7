/** Lets a doctor read a patient for a short time, without a visit. */
import {
  EMERGENCY_ACCESS_MINUTES,
  type EmergencyAccess,
  instantText,
  type NewEmergencyAccess,
  permit,
  Refusal,
  rolesFor,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  appendEvent,
  type Database,
  idFromBytes,
  idToBytes,
  newId,
  originOf,
  type WriteContext,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { emergencyAccessEvent, SOURCE } from '../events/published.ts';
import { lockPatient } from './patient-lock.ts';
import { assertNotErased } from './patient-row.ts';
import type { PatientTables } from './tables.ts';

export interface EmergencyAccessStore {
  /**
   * Grants access to a patient. For a merged record it is access to the record that stays.
   * @throws Refusal `forbidden`, `not-found`, `patient-erased`
   */
  grant(
    caller: VerifiedCaller,
    patientId: string,
    input: NewEmergencyAccess,
    write: WriteContext<EmergencyAccess>,
  ): Promise<EmergencyAccess>;
}

export function createEmergencyAccessStore(database: Database<PatientTables>, clock: Clock): EmergencyAccessStore {
  return {
    async grant(caller, patientId, { reason }, write) {
      permit(caller, rolesFor('emergencyAccess'));
      const { doctorId } = caller;
      if (doctorId === undefined) throw new Refusal('forbidden', 'Your account does not belong to a doctor.');
      const now = clock();
      const end = now.add({ minutes: EMERGENCY_ACCESS_MINUTES });
      return database.write(async (tx) => {
        const row = await lockPatient(tx, database.dialect, idToBytes(patientId));
        assertNotErased(row);
        const { id, replaced_by } = row;
        const patient_id = replaced_by ?? id;
        const access: EmergencyAccess = {
          id: newId(),
          patientId: idFromBytes(patient_id),
          doctorId,
          start: instantText(now),
          end: instantText(end),
        };
        const relation = { doctor_id: idToBytes(doctorId), patient_id, ends_at: end.epochMilliseconds };
        await tx
          .insertInto('emergency_accesses')
          .values({
            id: idToBytes(access.id),
            ...relation,
            caller_id: caller.id,
            reason,
            starts_at: now.epochMilliseconds,
          })
          .execute();
        await tx
          .insertInto('care_relationships')
          .values({ source_id: idToBytes(access.id), ...relation, active: 1, sequence: 1 })
          .execute();
        await appendEvent(tx, emergencyAccessEvent(access), originOf(SOURCE, now, write));
        await write.storeResponse(tx, access);
        return access;
      });
    },
  };
}
