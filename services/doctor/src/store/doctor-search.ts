/** Finds doctors: by names, specialty and activity. */
import { DEFAULT_LIMIT, type Doctor, type DoctorQuery, type PageOf, searchConditions } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, planSearch } from '@daybook/database';
import { decodeCursor, pageOf } from '@daybook/service';
import type { DoctorRow, DoctorTables } from './tables.ts';

export async function searchDoctors(
  database: Database<DoctorTables>,
  { q, specialty, active, limit = DEFAULT_LIMIT, cursor }: DoctorQuery,
  toDoctor: (row: DoctorRow) => Doctor,
): Promise<PageOf<Doctor>> {
  const [after] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
  const rows = await database.read(async (db) => {
    const plan = q === undefined ? { checks: [] } : await planSearch(db, 'doctors.id', searchConditions(q));
    if (!plan) return [];
    let found = db.selectFrom('doctors').selectAll();
    if (after !== undefined) found = found.where('id', '>', idToBytes(String(after)));
    if (active !== undefined) found = found.where('active', '=', active ? 1 : 0);
    if (specialty !== undefined) {
      const having = db.selectFrom('doctor_specialties').select('doctor_id').where('specialty', '=', specialty);
      found = found.where('id', 'in', having);
    }
    if ('ids' in plan) found = found.where('id', 'in', plan.ids);
    for (const check of plan.checks) found = found.where(check);
    return found
      .orderBy('id')
      .limit(limit + 1)
      .execute();
  });
  return pageOf(rows, limit, (row) => [idFromBytes(row.id)], toDoctor);
}
