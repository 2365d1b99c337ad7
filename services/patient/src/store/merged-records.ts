import type { Db } from './tables.ts';

/** The most records that are merged into one, directly and through others. */
export const MAX_MERGED = 50;

/** Returns the ids of all records that were merged into this one, directly and through others. */
export async function mergedInto(db: Db, id: Uint8Array): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  let level: readonly Uint8Array[] = [id];
  while (level.length > 0) {
    const rows = await db
      .selectFrom('patient_merges')
      .select('patient_id')
      .where('merged_into', 'in', level)
      .limit(MAX_MERGED)
      .execute();
    level = rows.map(({ patient_id }) => patient_id);
    all.push(...level);
  }
  return all;
}
