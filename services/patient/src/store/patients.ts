/** The patients of this service's database. */
import {
  afterPrefix,
  applyMergePatch,
  type Caller,
  DEFAULT_LIMIT,
  fold,
  type NewPatient,
  type PageOf,
  type Patient,
  type PatientPatch,
  type PatientQuery,
  permit,
  Refusal,
  STAFF,
} from '@daybook/contracts';
import {
  appendEvent,
  type Database,
  idFromBytes,
  idToBytes,
  newId,
  type SharedTables,
  type WriteContext,
} from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import type { Kysely, Transaction } from 'kysely';
import { searchTermsOf } from '../domain/search-terms.ts';
import { patientEvent, SOURCE } from '../events.ts';
import { claimNames, renameHolder, shareNames, withCandidates } from './duplicates.ts';
import { demandLive, toColumns, toPatient } from './patient-row.ts';
import type { PatientTables } from './tables.ts';

type PatientTransaction = Transaction<PatientTables & SharedTables>;

export interface PatientStore {
  /** @throws Refusal `identifier-taken`; `possible-duplicate`, unless it is confirmed to be another person */
  register(caller: Caller, input: NewPatient, write: WriteContext<Patient>): Promise<Patient>;
  find(caller: Caller, id: string): Promise<Patient | undefined>;
  /** @throws Refusal `not-found`, `precondition-failed`, `identifier-taken`, `patient-replaced` */
  change(caller: Caller, id: string, patch: PatientPatch, write: WriteContext<Patient>): Promise<Patient>;
  search(caller: Caller, query: PatientQuery): Promise<PageOf<Patient>>;
}

type Db = Kysely<PatientTables & SharedTables>;

/** Those of whom a term begins like this. */
const matching = (db: Db, prefix: string) =>
  db
    .selectFrom('patient_search_terms')
    .select('patient_id')
    .where('term', '>=', prefix)
    .where('term', '<', afterPrefix(prefix));

/** The first of them by their ids: where very many match, the database goes along the ids until it has enough. */
function firstMatching(db: Db, prefix: string, after: Uint8Array | undefined, atMost: number) {
  const found = matching(db, prefix)
    .distinct()
    .$if(after !== undefined, (query) => query.where('patient_id', '>', after ?? new Uint8Array()))
    .orderBy('patient_id')
    .limit(atMost);
  // MySQL wants a limit one deeper than IN.
  return db.selectFrom(found.as('found')).select('patient_id');
}

export function createPatientStore(database: Database<PatientTables>, clock: Clock): PatientStore {
  /** Writes what is derived from a patient: identifiers, which are a key, and search terms. */
  async function index(transaction: PatientTransaction, patient: Patient): Promise<void> {
    const patient_id = idToBytes(patient.id);
    await transaction.deleteFrom('patient_identifiers').where('patient_id', '=', patient_id).execute();
    await transaction.deleteFrom('patient_search_terms').where('of_id', '=', patient_id).execute();
    const terms = searchTermsOf(patient).map((term) => ({ term, patient_id, of_id: patient_id }));
    if (terms.length > 0) await transaction.insertInto('patient_search_terms').values(terms).execute();
    const identifiers = (patient.identifiers ?? []).map(({ system, value }) => ({ system, value, patient_id }));
    if (identifiers.length === 0) return;
    try {
      await transaction.insertInto('patient_identifiers').values(identifiers).execute();
    } catch (error) {
      if (!database.dialect.isUniqueViolation(error)) throw error;
      throw new Refusal('identifier-taken', 'Another patient has one of these identifiers.');
    }
  }

  return {
    async register(caller, { confirmedNew = false, ...input }, write) {
      permit(caller, STAFF);
      const now = clock();
      const at = now.toString();
      const patient: Patient = { id: newId(), active: true, ...input, version: 1, createdAt: at, updatedAt: at };
      const columns = toColumns(patient);
      const stored = database.write(async (transaction) => {
        await transaction
          .insertInto('patients')
          .values({ id: idToBytes(patient.id), created_at: now.epochMilliseconds, ...columns })
          .execute();
        // A number that is taken says more than a name, so it is named first.
        await index(transaction, patient);
        if (confirmedNew) await shareNames(transaction, columns.name_key);
        else await claimNames(transaction, database.dialect, columns.name_key);
        await appendEvent(transaction, patientEvent('registered', patient), {
          source: SOURCE,
          time: now,
          traceparent: write.traceparent,
        });
        await write.keep(transaction, patient);
      });
      await stored.catch(async (error) => {
        throw await withCandidates(database, caller, columns.name_key, error);
      });
      return patient;
    },

    async find(caller, id) {
      permit(caller, STAFF);
      const row = await database.read((db) =>
        db.selectFrom('patients').selectAll().where('id', '=', idToBytes(id)).executeTakeFirst(),
      );
      return row && toPatient(row);
    },

    async change(caller, id, patch, write) {
      permit(caller, STAFF);
      const now = clock();
      return database.write(async (transaction) => {
        const row = await transaction
          .selectFrom('patients')
          .selectAll()
          .where('id', '=', idToBytes(id))
          .$if(database.dialect.locksRows, (query) => query.forUpdate())
          .executeTakeFirst();
        if (!row) throw new Refusal('not-found', 'There is no such patient.');
        write.checkVersion(row.version);
        demandLive(row);
        const before = toPatient(row);
        const patient: Patient = {
          ...applyMergePatch(before, patch),
          version: before.version + 1,
          updatedAt: now.toString(),
        };
        const columns = toColumns(patient);
        await transaction.updateTable('patients').set(columns).where('id', '=', row.id).execute();
        await renameHolder(transaction, row.name_key, columns.name_key);
        await index(transaction, patient);
        const kind = before.active && !patient.active ? 'deactivated' : 'updated';
        await appendEvent(transaction, patientEvent(kind, patient), {
          source: SOURCE,
          time: now,
          traceparent: write.traceparent,
        });
        await write.keep(transaction, patient);
        return patient;
      });
    },

    async search(caller, { q, birthDate, limit = DEFAULT_LIMIT, cursor }) {
      permit(caller, STAFF);
      const [after] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
      const beyond = after === undefined ? undefined : idToBytes(String(after));
      const prefix = q === undefined ? undefined : fold(q);
      // A lone accent: everything begins with nothing, and nobody was meant.
      if (prefix === '') return { items: [] };
      const rows = await database.read((db) => {
        let query = db.selectFrom('patients').selectAll().where('replaced_by', 'is', null);
        if (beyond !== undefined) query = query.where('id', '>', beyond);
        if (birthDate !== undefined) query = query.where('birth_date', '=', birthDate);
        if (prefix !== undefined) {
          const isAll = birthDate === undefined;
          query = query.where('id', 'in', isAll ? firstMatching(db, prefix, beyond, limit + 1) : matching(db, prefix));
        }
        return query
          .orderBy('id')
          .limit(limit + 1)
          .execute();
      });
      return pageOf(rows, limit, (row) => [idFromBytes(row.id)], toPatient);
    },
  };
}
