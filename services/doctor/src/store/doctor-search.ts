/** Finds doctors by names, specialty and activity. */
import {
  DEFAULT_LIMIT,
  type Doctor,
  type DoctorQuery,
  type PageOf,
  searchConditions,
  wordsOf,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, planSearch } from '@daybook/database';
import { decodeCursor, pageOf } from '@daybook/service';
import { type RawBuilder, sql } from 'kysely';
import type { DoctorRow, DoctorTables } from './tables.ts';

/** Returns scalar subqueries, so that the database checks the few doctors found by name instead of all active ones. */
function filtersOf({ specialty, active }: DoctorQuery, id: string): RawBuilder<boolean>[] {
  const of = sql.ref(id);
  const isActive = sql<boolean>`(select active from doctors as d where d.id = ${of}) = ${active ? 1 : 0}`;
  const hasSpecialty = sql<boolean>`(select 1 from doctor_specialties where specialty = ${specialty} and doctor_id = ${of}) = 1`;
  return [...(active === undefined ? [] : [isActive]), ...(specialty === undefined ? [] : [hasSpecialty])];
}

export async function searchDoctors(
  database: Database<DoctorTables>,
  query: DoctorQuery,
  toDoctor: (row: DoctorRow) => Doctor,
): Promise<PageOf<Doctor>> {
  const { q, specialty, active, limit = DEFAULT_LIMIT, cursor } = query;
  const [last] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
  const after = last === undefined ? undefined : idToBytes(last);
  const atMost = limit + 1;
  const rows = await database.read(async (db) => {
    let found = db.selectFrom('doctors').selectAll().orderBy('id').limit(atMost);
    if (q !== undefined) {
      const filters = (id: string) => filtersOf(query, id);
      const conditions = searchConditions(wordsOf(q));
      const plan = await planSearch(db, { id: 'doctors.id', conditions, after, atMost, filters });
      if (!plan) return [];
      if (plan.page) return found.where('id', 'in', plan.page).execute();
      for (const check of plan.checks) found = found.where(check);
    } else if (specialty !== undefined) {
      const hasSpecialty = db.selectFrom('doctor_specialties').select('doctor_id').where('specialty', '=', specialty);
      found = found.where('id', 'in', hasSpecialty);
    }
    if (after !== undefined) found = found.where('id', '>', after);
    if (active !== undefined) found = found.where('active', '=', active ? 1 : 0);
    return found.execute();
  });
  return pageOf(rows, limit, (row) => [idFromBytes(row.id)], toDoctor);
}
