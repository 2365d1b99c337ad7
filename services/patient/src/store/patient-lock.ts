/** Locks patients until the transaction ends. */
import { notFound } from '@daybook/contracts';
import type { DatabaseDialect } from '@daybook/database';
import type { RawBuilder } from 'kysely';
import type { PatientRow, Tx } from './tables.ts';

/**
 * Locks patients in the order of their ids, so that two merges of the same records wait for each other. `reach` are
 * further conditions; see ownership.ts.
 */
export async function lockPatients(
  tx: Tx,
  { supportsRowLocks }: DatabaseDialect,
  ids: readonly Uint8Array[],
  reach: readonly RawBuilder<boolean>[] = [],
): Promise<PatientRow[]> {
  let query = tx.selectFrom('patients').selectAll().where('id', 'in', ids).orderBy('id');
  for (const condition of reach) query = query.where(condition);
  return query.$if(supportsRowLocks, (locking) => locking.forUpdate()).execute();
}

/**
 * Locks one patient.
 * @throws Refusal `not-found`
 */
export async function lockPatient(
  tx: Tx,
  dialect: DatabaseDialect,
  id: Uint8Array,
  reach: readonly RawBuilder<boolean>[] = [],
): Promise<PatientRow> {
  const [row] = await lockPatients(tx, dialect, [id], reach);
  if (!row) throw notFound('patient');
  return row;
}
