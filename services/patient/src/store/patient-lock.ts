/** Locks patients until the transaction ends. */
import { notFound } from '@daybook/contracts';
import type { DatabaseDialect } from '@daybook/database';
import type { PatientRow, Tx } from './tables.ts';

/** Locks patients in the order of their ids, so that two merges of the same records wait for each other. */
export const lockPatients = (
  tx: Tx,
  { supportsRowLocks }: DatabaseDialect,
  ids: readonly Uint8Array[],
): Promise<PatientRow[]> =>
  tx
    .selectFrom('patients')
    .selectAll()
    .where('id', 'in', ids)
    .orderBy('id')
    .$if(supportsRowLocks, (query) => query.forUpdate())
    .execute();

/**
 * Locks one patient.
 * @throws Refusal `not-found`
 */
export async function lockPatient(tx: Tx, dialect: DatabaseDialect, id: Uint8Array): Promise<PatientRow> {
  const [row] = await lockPatients(tx, dialect, [id]);
  if (!row) throw notFound('patient');
  return row;
}
