/**
 * Erases the data of a patient: names, birth date, contacts, identifiers and texts. The id, the times and the authors
 * stay. The empty row keeps the data away: it is never changed, merged or searched again.
 */
import {
  DAY,
  type Patient,
  type PatientErasure,
  permit,
  Refusal,
  rolesFor,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  appendEvent,
  asSharedTransaction,
  type Database,
  idToBytes,
  originOf,
  rewriteStoredResponses,
  type WriteContext,
  writeSearchTerms,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { patientErasedEvent, SOURCE } from '../events/published.ts';
import { DAYS_AFTER_VISIT } from './care-relationships.ts';
import { decrementNameKey } from './duplicates.ts';
import { eraseIdentifiers } from './erased-identifiers.ts';
import { mergedInto } from './merged-records.ts';
import { lockPatient, lockPatients } from './patient-lock.ts';
import { assertNotReplaced, toPatient } from './patient-row.ts';
import type { PatientRow, PatientTables, Tx } from './tables.ts';

export interface ErasureStore {
  /**
   * Erases the data of a record, and of all that were merged into it. A second erasure changes nothing.
   * @throws Refusal `not-found`, `precondition-failed`, `patient-replaced`, `upcoming-appointments`
   */
  erase(caller: VerifiedCaller, id: string, erasure: PatientErasure, write: WriteContext<Patient>): Promise<Patient>;
}

/**
 * Checks that no visit of the patients has still to end. The visits are known from events, so one that is booked in the
 * same moment may be missed. The appointment service flags it, as for any patient who is not active.
 * @throws Refusal `upcoming-appointments`
 */
async function checkNoUpcoming(tx: Tx, ids: readonly Uint8Array[], now: Temporal.Instant): Promise<void> {
  const upcoming = await tx
    .selectFrom('care_relationships')
    .select('source_id')
    .where('patient_id', 'in', ids)
    .where('active', '=', 1)
    .where('ends_at', '>', now.epochMilliseconds + DAYS_AFTER_VISIT * DAY)
    .limit(1)
    .executeTakeFirst();
  if (upcoming) {
    throw new Refusal('upcoming-appointments', 'Cancel the upcoming appointments of the patient before the erasure.');
  }
}

/** Removes the reasons of merges, which may name the person. */
async function eraseMergeReasons(tx: Tx, ids: readonly Uint8Array[]): Promise<void> {
  const rows = await tx.selectFrom('patient_merge_history').selectAll().where('patient_id', 'in', ids).execute();
  for (const { patient_id, version, entry } of rows) {
    const { reason: _, ...rest } = JSON.parse(entry);
    await tx
      .updateTable('patient_merge_history')
      .set({ entry: JSON.stringify(rest) })
      .where('patient_id', '=', patient_id)
      .where('version', '=', version)
      .execute();
  }
}

/** Returns the row without the person. Its keys of names are the id, which no names have. */
const emptied = (row: PatientRow, basis: PatientErasure['basis'], now: Temporal.Instant): PatientRow => ({
  ...row,
  given_name: null,
  family_name: '',
  birth_date: '',
  name_key: row.id,
  joined_name_key: row.id,
  active: 0,
  erased_at: now.epochMilliseconds,
  erasure_basis: basis,
  details: '{}',
  version: row.version + 1,
  updated_at: now.epochMilliseconds,
});

const isPatient = (body: unknown): body is { readonly id: string } =>
  typeof body === 'object' && body !== null && 'id' in body && 'familyName' in body;

/** Erases one record. Returns it as it is afterwards. */
async function eraseRecord(tx: Tx, before: PatientRow, after: PatientRow): Promise<Patient> {
  const { id, ...columns } = after;
  const patient = toPatient(after);
  await decrementNameKey(tx, before);
  await tx.updateTable('patients').set(columns).where('id', '=', id).execute();
  await eraseIdentifiers(tx, id);
  await writeSearchTerms(tx, id, []);
  // A repeated registration or change gets the empty record.
  await rewriteStoredResponses(asSharedTransaction(tx), patient.id, (body) =>
    isPatient(body) && body.id === patient.id ? patient : body,
  );
  return patient;
}

export function createErasureStore(database: Database<PatientTables>, clock: Clock): ErasureStore {
  const { dialect } = database;

  return {
    async erase(caller, id, { basis }, write) {
      permit(caller, rolesFor('erasePatient'));
      const erased = await database.write(async (tx) => {
        const now = clock();
        const row = await lockPatient(tx, dialect, idToBytes(id));
        write.checkVersion(row.version);
        assertNotReplaced(row);
        if (row.erased_at !== null) {
          await write.storeResponse(tx, toPatient(row));
          return toPatient(row);
        }
        const rows = await lockPatients(tx, dialect, [row.id, ...(await mergedInto(tx, row.id))]);
        const ids = rows.map((each) => each.id);
        await checkNoUpcoming(tx, ids, now);
        await eraseMergeReasons(tx, ids);
        await tx.updateTable('emergency_accesses').set({ reason: '' }).where('patient_id', 'in', ids).execute();
        await tx.deleteFrom('contact_changes').where('patient_id', 'in', ids).execute();
        for (const each of rows) {
          const patient = await eraseRecord(tx, each, emptied(each, basis, now));
          await appendEvent(tx, patientErasedEvent(patient.id, patient.version), originOf(SOURCE, now, write));
        }
        const after = toPatient(emptied(row, basis, now));
        await write.storeResponse(tx, after);
        return after;
      });
      await database.purgeDeleted();
      return erased;
    },
  };
}
