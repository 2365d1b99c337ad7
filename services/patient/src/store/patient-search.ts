/** Finds patients: by what is typed, by birth date, by ids. */
import { DEFAULT_LIMIT, type PageOf, type Patient, type PatientQuery } from '@daybook/contracts';
import {
  checksOf,
  type Database,
  idFromBytes,
  idToBytes,
  planSearch,
  type SearchPlan,
  type SharedTables,
} from '@daybook/database';
import { decodeCursor, pageOf } from '@daybook/service';
import type { Kysely } from 'kysely';
import { searchConditionsOf } from '../domain/search-terms.ts';
import type { PatientRow, PatientTables } from './tables.ts';

type Db = Kysely<PatientTables & SharedTables>;

const ID = 'patients.id';

/** Few have one birth date, and ids are few: these are read by their own keys, and checked for the words. */
async function planOf(db: Db, { q, birthDate, id }: PatientQuery): Promise<SearchPlan | undefined> {
  if (q === undefined) return { checks: [] };
  const conditions = searchConditionsOf(q);
  // A lone accent: everything begins with nothing, and nobody was meant.
  if (conditions.length === 0) return undefined;
  if (birthDate !== undefined || id !== undefined) return { checks: checksOf(ID, conditions) };
  return planSearch(db, ID, conditions);
}

export async function searchPatients(
  database: Database<PatientTables>,
  query: PatientQuery,
  toPatient: (row: PatientRow) => Patient,
): Promise<PageOf<Patient>> {
  const { birthDate, id, limit = DEFAULT_LIMIT, cursor } = query;
  const [after] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
  const rows = await database.read(async (db) => {
    const plan = await planOf(db, query);
    if (!plan) return [];
    let found = db.selectFrom('patients').selectAll();
    if (after !== undefined) found = found.where('id', '>', idToBytes(String(after)));
    if (birthDate !== undefined) found = found.where('birth_date', '=', birthDate);
    if (id !== undefined) found = found.where('id', 'in', id.split(',').map(idToBytes));
    if (plan.ids) found = found.where('id', 'in', plan.ids);
    for (const check of plan.checks) found = found.where(check);
    return found
      .orderBy('id')
      .limit(limit + 1)
      .execute();
  });
  return pageOf(rows, limit, (row) => [idFromBytes(row.id)], toPatient);
}
