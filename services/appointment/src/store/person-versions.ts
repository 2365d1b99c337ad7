/**
 * The newest version of each patient and doctor that an event told of. An appointment is not written on older facts: whoever
 * is changed while somebody books is either seen by the booking, or sees the booking (known failure: leave that is added
 * while somebody books into it).
 */
import { type DatabaseDialect, idToBytes } from '@daybook/database';
import { type PersonVersion, StaleFacts } from '../domain/ports.ts';
import type { Tx } from './change.ts';

/**
 * The row is locked where rows are locked, so it has to be there: what is told meanwhile then waits for this transaction, and
 * sees what it wrote.
 * @throws StaleFacts when an event told of a newer version than the rules were applied to
 */
export async function checkVersions(
  tx: Tx,
  dialect: DatabaseDialect,
  verified: readonly PersonVersion[],
): Promise<void> {
  for (const { id, version } of verified) {
    const person_id = idToBytes(id);
    if (dialect.locksRows) await tx.insertInto('person_versions').ignore().values({ person_id, version: 0 }).execute();
    const known = await tx
      .selectFrom('person_versions')
      .select('version')
      .where('person_id', '=', person_id)
      .$if(dialect.locksRows, (query) => query.forShare())
      .executeTakeFirst();
    if (known && known.version > version) throw new StaleFacts({ id, version: known.version });
  }
}

/** False when something newer is known already. */
export async function noteVersion(tx: Tx, dialect: DatabaseDialect, { id, version }: PersonVersion): Promise<boolean> {
  const person_id = idToBytes(id);
  const known = await tx
    .selectFrom('person_versions')
    .select('version')
    .where('person_id', '=', person_id)
    .$if(dialect.locksRows, (query) => query.forUpdate())
    .executeTakeFirst();
  if (!known) await tx.insertInto('person_versions').values({ person_id, version }).execute();
  else if (known.version >= version) return false;
  else await tx.updateTable('person_versions').set({ version }).where('person_id', '=', person_id).execute();
  return true;
}
