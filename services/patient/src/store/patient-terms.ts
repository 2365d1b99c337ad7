/** Writes search terms. A merged record has none, because those of the record that stays include them. */
import { writeSearchTerms } from '@daybook/database';
import { searchTermsOf } from '../domain/search-terms.ts';
import { mergedInto } from './merged-records.ts';
import { toPatient } from './patient-row.ts';
import type { Tx } from './tables.ts';

/** Rewrites the terms of a record: its own, and those of all that were merged into it. */
export async function writePatientTerms(tx: Tx, id: Uint8Array): Promise<void> {
  const rows = await tx
    .selectFrom('patients')
    .selectAll()
    .where('id', 'in', [id, ...(await mergedInto(tx, id))])
    .execute();
  const isMerged = rows.some((row) => row.replaced_by !== null && Buffer.compare(row.id, id) === 0);
  const terms = isMerged ? [] : rows.flatMap((row) => searchTermsOf(toPatient(row)));
  await writeSearchTerms(tx, id, terms);
}
