/**
 * Checks the version of an appointment type in the transaction that relies on it.
 * Other processes may have read the type before it changed.
 * So the database decides: time is reserved under the present rules, or not at all.
 */
import { type DatabaseDialect, idToBytes, SHARED_LOCK } from '@daybook/database';
import { StaleFacts } from '../domain/booking/stale-facts.ts';
import type { PlacedType } from '../domain/ports.ts';
import type { Tx } from './tables.ts';

/** Returns the statement that reads the type and blocks changes of it until this transaction ends. */
export const typeLockStatement = (tx: Tx, { supportsRowLocks }: DatabaseDialect, id: string) =>
  tx
    .selectFrom('appointment_types')
    .select(['version', 'active'])
    .where('id', '=', idToBytes(id))
    .$if(supportsRowLocks, (query) => query.modifyEnd(SHARED_LOCK));

/**
 * Checks the row that `typeLockStatement` read.
 * @throws StaleFacts when the type has another version by now
 */
export function checkType({ id, version }: PlacedType, [stored]: readonly { version: number }[]): void {
  if (stored === undefined) throw new Error(`appointment type of a reservation not found: ${id}`);
  if (stored.version !== version) throw new StaleFacts({ id, version: stored.version });
}
