/**
 * The newest version of each patient and doctor that an event told of. An appointment is not written on older facts: whoever
 * is changed while somebody books is either seen by the booking, or sees the booking (known failure: leave that is added
 * while somebody books into it).
 */
import { type DatabaseDialect, idFromBytes, idToBytes, Overtaken } from '@daybook/database';
import { sql } from 'kysely';
import { type PersonVersion, type Placement, StaleFacts } from '../domain/ports.ts';
import type { Tx } from './change.ts';
import type { AppointmentTables } from './tables.ts';

type Known = ReadonlyMap<string, number>;

const key = (id: Uint8Array): string => idFromBytes(id);

/** Whether others may lock the same persons at the same time. */
type Lock = 'shared' | 'exclusive';

/** In one round trip; the rows are locked where rows are locked, against those who would change them. */
async function readVersions(
  tx: Tx,
  dialect: DatabaseDialect,
  ids: readonly Uint8Array[],
  lock: Lock = 'shared',
): Promise<Known> {
  const rows = await tx
    .selectFrom('person_versions')
    .selectAll()
    .where('person_id', 'in', ids)
    // What MariaDB does not know as FOR SHARE.
    .$if(dialect.locksRows, (query) => query.modifyEnd(lock === 'shared' ? sql`lock in share mode` : sql`for update`))
    .execute();
  return new Map(rows.map(({ person_id, version }) => [key(person_id), version]));
}

/**
 * The rows are locked where rows are locked, so they have to be there: what is told meanwhile then waits for this
 * transaction, and sees what it wrote.
 * @throws StaleFacts when an event told of a newer version than the rules were applied to
 */
export async function checkVersions(
  tx: Tx,
  dialect: DatabaseDialect,
  verified: readonly PersonVersion[],
  lock: Lock = 'shared',
): Promise<void> {
  if (verified.length === 0) return;
  const ids = verified.map(({ id }) => idToBytes(id));
  let known = await readVersions(tx, dialect, ids, lock);
  const missing = ids.filter((id) => !known.has(key(id)));
  if (dialect.locksRows && missing.length > 0) {
    const rows = missing.map((person_id) => ({ person_id, version: 0 }));
    await tx.insertInto('person_versions').ignore().values(rows).execute();
    known = await readVersions(tx, dialect, ids, lock);
  }
  for (const { id, version } of verified) {
    const told = known.get(key(idToBytes(id)));
    if (told !== undefined && told > version) throw new StaleFacts({ id, version: told });
  }
}

/**
 * The first thing that whoever takes time does. Those who want a time for themselves alone pass at once: the key decides
 * between them. Who shares one, in a group or on purpose, is alone with the doctor until the transaction ends, since the key
 * does not see that a seat of a group is beside a visit for one.
 * @throws StaleFacts
 */
export const lockPersons = (
  tx: Tx,
  dialect: DatabaseDialect,
  { verified, capacity, overbooking }: Placement,
): Promise<void> => checkVersions(tx, dialect, verified, capacity > 1 || overbooking ? 'exclusive' : 'shared');

/** False when something newer is known already. */
export async function noteVersion(tx: Tx, dialect: DatabaseDialect, { id, version }: PersonVersion): Promise<boolean> {
  const person_id = idToBytes(id);
  const known = await tx
    .selectFrom('person_versions')
    .select('version')
    .where('person_id', '=', person_id)
    .$if(dialect.locksRows, (query) => query.forUpdate())
    .executeTakeFirst();
  if (!known) await insertVersion(tx, dialect, { person_id, version });
  else if (known.version >= version) return false;
  else await tx.updateTable('person_versions').set({ version }).where('person_id', '=', person_id).execute();
  return true;
}

/** @throws Overtaken when a booking made the row meanwhile */
async function insertVersion(
  tx: Tx,
  dialect: DatabaseDialect,
  row: AppointmentTables['person_versions'],
): Promise<void> {
  try {
    await tx.insertInto('person_versions').values(row).execute();
  } catch (error) {
    throw dialect.isUniqueViolation(error) ? new Overtaken(error) : error;
  }
}
