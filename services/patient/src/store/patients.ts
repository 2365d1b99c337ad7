/** The patients of this service's database. */
import {
  applyMergePatch,
  type IdentifiedPatient,
  instantText,
  type NewPatient,
  type PageOf,
  type Patient,
  type PatientPatch,
  type PatientQuery,
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
import { assertContactsOnly, type Clock, tidyPerson } from '@daybook/service';
import { checkBirthDate, normalizeIdentifiers, OWN_CONTACTS } from '../domain/patient-rules.ts';
import { patientEvent, SOURCE } from '../events/published.ts';
import { recordContactChange } from './contact-changes.ts';
import { incrementNameKey, insertUniqueNameKey, moveNameKey, withCandidates } from './duplicates.ts';
import { withHolder, writeIdentifiers } from './identifiers.ts';
import { reachOf } from './ownership.ts';
import { lockPatient } from './patient-lock.ts';
import { assertNotReplaced, toColumns, toIdentifiedPatient, toPatient } from './patient-row.ts';
import { searchPatients } from './patient-search.ts';
import { writePatientTerms } from './patient-terms.ts';
import type { PatientRow, PatientTables, Tx } from './tables.ts';

export interface PatientStore {
  /**
   * Registers a patient.
   * @throws Refusal `invalid-request`, `identifier-taken`; `possible-duplicate`, unless it is confirmed to be another
   * person; `patient-erased` for an identifier of an erased record
   */
  register(caller: VerifiedCaller, input: NewPatient, write: WriteContext<Patient>): Promise<Patient>;
  find(caller: VerifiedCaller, id: string): Promise<Patient | undefined>;
  /**
   * Changes a patient.
   * @throws Refusal `invalid-request`, `forbidden`, `not-found`, `precondition-failed`, `identifier-taken`,
   * `patient-replaced`, `patient-erased`
   */
  change(caller: VerifiedCaller, id: string, patch: PatientPatch, write: WriteContext<Patient>): Promise<Patient>;
  search(caller: VerifiedCaller, query: PatientQuery): Promise<PageOf<Patient>>;
}

/** Returns a patient, or a patch of one, as stored. */
function normalizePatient<Input extends NewPatient | PatientPatch>(input: Input): Input {
  const { identifiers } = input;
  return { ...tidyPerson(input), ...(identifiers && { identifiers: normalizeIdentifiers(identifiers) }) };
}

/**
 * Checks that an account of a patient is linked to the record itself. An account that is linked to a merged record
 * reads the record that stays. It does not change contacts there until the front desk has confirmed the link.
 * @throws Refusal `forbidden`
 */
function assertLinked({ role, patientIds }: VerifiedCaller, { id }: Pick<PatientRow, 'id'>): void {
  if (role !== 'patient' || patientIds.includes(idFromBytes(id))) return;
  const detail =
    'Your account is linked to a record that was merged into this one. Ask the front desk to link this one.';
  throw new Refusal('forbidden', detail);
}

export function createPatientStore(database: Database<PatientTables>, clock: Clock): PatientStore {
  /** Writes the derived tables of a patient: identifiers, which are a key, and search terms. */
  async function index(tx: Tx, patient: Patient): Promise<void> {
    await writePatientTerms(tx, idToBytes(patient.id));
    await writeIdentifiers(tx, database.dialect, patient);
  }

  return {
    async register(caller, { confirmedNew = false, ...input }, write) {
      permit(caller, rolesFor('registerPatient'));
      const now = clock();
      checkBirthDate(input.birthDate, now);
      const at = instantText(now);
      const patient: IdentifiedPatient = {
        id: newId(),
        active: true,
        ...normalizePatient(input),
        version: 1,
        createdAt: at,
        updatedAt: at,
      };
      const columns = toColumns(patient);
      const stored = database.write(async (tx) => {
        await tx
          .insertInto('patients')
          .values({
            id: idToBytes(patient.id),
            replaced_by: null,
            erased_at: null,
            erasure_basis: null,
            created_at: now.epochMilliseconds,
            ...columns,
          })
          .execute();
        // Runs before the check of names, because a taken identifier is the stronger evidence and is reported first.
        await index(tx, patient);
        if (confirmedNew) await incrementNameKey(tx, columns);
        else await insertUniqueNameKey(tx, database.dialect, columns);
        await appendEvent(tx, patientEvent('registered', patient), originOf(SOURCE, now, write));
        await write.storeResponse(tx, patient);
      });
      await stored.catch(async (error) => {
        const taken = await withHolder(database, caller, now, patient, error);
        throw await withCandidates(database, caller, now, columns, taken);
      });
      return patient;
    },

    async find(caller, id) {
      permit(caller, rolesFor('getPatient'));
      const row = await database.read((db) => {
        let query = db.selectFrom('patients').selectAll().where('id', '=', idToBytes(id));
        for (const condition of reachOf(caller, clock())) query = query.where(condition);
        return query.executeTakeFirst();
      });
      return row && toPatient(row);
    },

    async change(caller, id, patch, write) {
      permit(caller, rolesFor('changePatient'));
      if (caller.role === 'patient') assertContactsOnly(patch, OWN_CONTACTS, 'the front desk');
      const now = clock();
      if (patch.birthDate !== undefined) checkBirthDate(patch.birthDate, now);
      const normalized = normalizePatient(patch);
      const changed = database.write(async (tx) => {
        const row = await lockPatient(tx, database.dialect, idToBytes(id), reachOf(caller, now));
        assertLinked(caller, row);
        write.checkVersion(row.version);
        assertNotReplaced(row);
        const before = toIdentifiedPatient(row);
        const patient: IdentifiedPatient = {
          ...applyMergePatch(before, normalized),
          version: before.version + 1,
          updatedAt: instantText(now),
        };
        const columns = toColumns(patient);
        await tx.updateTable('patients').set(columns).where('id', '=', row.id).execute();
        await moveNameKey(tx, row, columns);
        await index(tx, patient);
        await recordContactChange(tx, before, patient, { now, write });
        const kind = before.active && !patient.active ? 'deactivated' : 'updated';
        await appendEvent(tx, patientEvent(kind, patient), originOf(SOURCE, now, write));
        await write.storeResponse(tx, patient);
        return patient;
      });
      const identifiers = normalized.identifiers ?? [];
      return changed.catch(async (error) => {
        throw await withHolder(database, caller, now, { id, identifiers }, error);
      });
    },

    async search(caller, query) {
      permit(caller, rolesFor('findPatients'));
      return searchPatients(database, caller, clock(), query);
    },
  };
}
