/** Finds patients by text, birth date or ids. */
import { DEFAULT_LIMIT, type PageOf, type Patient, type PatientQuery, type VerifiedCaller } from '@daybook/contracts';
import { checksOf, type Database, idFromBytes, idToBytes, planSearch, type SearchPlan } from '@daybook/database';
import { decodeCursor, pageOf } from '@daybook/service';
import { searchConditionsOf } from '../domain/search-terms.ts';
import { OWN_PATIENT, type OwnPatients, ownPatients, reachOf } from './ownership.ts';
import { toPatient } from './patient-row.ts';
import type { Db, PatientTables } from './tables.ts';

const ID = 'patients.id';

/** Returns the plan of a search. Birth dates and ids match few rows, which are read by their keys and then checked. */
async function planOf(db: Db, query: PatientQuery, after: Uint8Array | undefined, atMost: number) {
  const { q, birthDate, id } = query;
  if (q === undefined) return { checks: [] };
  const conditions = searchConditionsOf(q);
  // A lone accent has no characters to search for, so the result is empty.
  if (conditions.length === 0) return undefined;
  if (birthDate !== undefined || id !== undefined) return { checks: checksOf(ID, conditions) };
  return planSearch(db, { id: ID, conditions, after, atMost });
}

/**
 * Returns whether a query has ids alone.
 * Such a query also returns merged and erased records, because clients have their ids.
 */
const isLookup = ({ q, birthDate, id }: PatientQuery): boolean =>
  id !== undefined && q === undefined && birthDate === undefined;

/**
 * Returns the plan of a doctor's search: a page of own patients. Few patients are own ones, so they are read instead of
 * all that the words match.
 */
function planOfOwn({ q }: PatientQuery, own: Omit<OwnPatients, 'checks'>): SearchPlan | undefined {
  const conditions = q === undefined ? [] : searchConditionsOf(q);
  if (q !== undefined && conditions.length === 0) return undefined;
  return { page: ownPatients({ ...own, checks: checksOf(OWN_PATIENT, conditions) }), checks: [] };
}

/** Returns the patients that a caller reaches and that match a query. */
export async function searchPatients(
  database: Database<PatientTables>,
  caller: VerifiedCaller,
  now: Temporal.Instant,
  query: PatientQuery,
): Promise<PageOf<Patient>> {
  const { birthDate, id, limit = DEFAULT_LIMIT, cursor } = query;
  const [last] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
  const after = last === undefined ? undefined : idToBytes(last);
  const atMost = limit + 1;
  const rows = await database.read(async (db) => {
    const { role, doctorId } = caller;
    const isOfOwn = role === 'doctor' && doctorId !== undefined && birthDate === undefined && id === undefined;
    const plan = isOfOwn ? planOfOwn(query, { doctorId, now, after, atMost }) : await planOf(db, query, after, atMost);
    if (!plan) return [];
    let found = db.selectFrom('patients').selectAll().orderBy('id').limit(atMost);
    for (const condition of reachOf(caller, now)) found = found.where(condition);
    if (plan.page) return found.where('id', 'in', plan.page).execute();
    if (!isLookup(query)) found = found.where('replaced_by', 'is', null).where('erased_at', 'is', null);
    if (after !== undefined) found = found.where('id', '>', after);
    if (birthDate !== undefined) found = found.where('birth_date', '=', birthDate);
    if (id !== undefined) found = found.where('id', 'in', id.split(',').map(idToBytes));
    for (const check of plan.checks) found = found.where(check);
    return found.execute();
  });
  return pageOf(rows, limit, (row) => [idFromBytes(row.id)], toPatient);
}
