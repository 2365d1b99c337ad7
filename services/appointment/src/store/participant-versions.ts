/**
 * The newest version of each patient and doctor that an event told of. An appointment is not written on older facts: whoever
 * is changed while somebody books is either seen by the booking, or sees the booking (known failure: leave that is added
 * while somebody books into it).
 */
import { type DatabaseDialect, idFromBytes, idToBytes, WriteConflict } from '@daybook/database';
import { sql } from 'kysely';
import { type ParticipantVersion, type Placement, StaleFacts } from '../domain/ports.ts';
import type { Tx } from './appointment-changes.ts';
import type { AppointmentTables } from './tables.ts';

type VersionRow = AppointmentTables['participant_versions'];
type Known = ReadonlyMap<string, number>;

const key = (id: Uint8Array): string => idFromBytes(id);

/** Whether others may lock the same persons at the same time. */
type Lock = 'shared' | 'exclusive';

/** The statement that reads the rows, locked where rows are locked against those who would change them. */
const selectVersions = (tx: Tx, dialect: DatabaseDialect, ids: readonly Uint8Array[], lock: Lock) =>
  tx
    .selectFrom('participant_versions')
    .selectAll()
    .where('participant_id', 'in', ids)
    // What MariaDB does not know as FOR SHARE.
    .$if(dialect.supportsRowLocks, (query) =>
      query.modifyEnd(lock === 'shared' ? sql`lock in share mode` : sql`for update`),
    );

const knownOf = (rows: readonly VersionRow[]): Known =>
  new Map(rows.map(({ participant_id, version }) => [key(participant_id), version]));

/** A statement, which may go with others, and what to do with its rows. */
interface VersionCheck {
  readonly statement: ReturnType<typeof selectVersions>;
  /**
   * True when the statement has locked the persons; false when they are locked only now, so what was read since then may have
   * changed.
   * @throws StaleFacts when an event told of a newer version than the rules were applied to
   */
  check(rows: readonly VersionRow[]): Promise<boolean>;
}

/**
 * The rows are locked where rows are locked, so they have to be there: what is told meanwhile then waits for this
 * transaction, and sees what it wrote.
 */
function versionCheck(
  tx: Tx,
  dialect: DatabaseDialect,
  verified: readonly ParticipantVersion[],
  lock: Lock,
): VersionCheck {
  const ids = verified.map(({ id }) => idToBytes(id));
  const statement = selectVersions(tx, dialect, ids, lock);
  return {
    statement,
    async check(rows) {
      let known = knownOf(rows);
      const missing = dialect.supportsRowLocks ? ids.filter((id) => !known.has(key(id))) : [];
      if (missing.length > 0) {
        const unknown = missing.map((participant_id) => ({ participant_id, version: 0 }));
        await tx.insertInto('participant_versions').ignore().values(unknown).execute();
        known = knownOf(await statement.execute());
      }
      for (const { id, version } of verified) {
        const announced = known.get(key(idToBytes(id)));
        if (announced !== undefined && announced > version) throw new StaleFacts({ id, version: announced });
      }
      return missing.length === 0;
    },
  };
}

/** @throws StaleFacts when an event told of a newer version than the rules were applied to */
export async function checkVersions(
  tx: Tx,
  dialect: DatabaseDialect,
  verified: readonly ParticipantVersion[],
): Promise<void> {
  const { statement, check } = versionCheck(tx, dialect, verified, 'shared');
  await check(await statement.execute());
}

/**
 * The first thing that whoever takes time does. Those who want a time for themselves alone pass at once: the key decides
 * between them. Who shares one, in a group or on purpose, is alone with the doctor until the transaction ends, since the key
 * does not see that a seat of a group is beside a visit for one.
 */
export const lockParticipants = (
  tx: Tx,
  dialect: DatabaseDialect,
  { verified, type, overbooking }: Placement,
): VersionCheck => versionCheck(tx, dialect, verified, type.capacity > 1 || overbooking ? 'exclusive' : 'shared');

/**
 * Locks a person against events that tell of something newer, and returns the version that is known: 0 where none is. Others may
 * book for them meanwhile only where the lock is shared.
 */
export async function lockParticipant(
  tx: Tx,
  dialect: DatabaseDialect,
  participant_id: Uint8Array,
  lock: Lock,
): Promise<number> {
  const statement = selectVersions(tx, dialect, [participant_id], lock);
  const [known] = await statement.execute();
  if (known || !dialect.supportsRowLocks) return known?.version ?? 0;
  await tx.insertInto('participant_versions').ignore().values({ participant_id, version: 0 }).execute();
  const [row] = await statement.execute();
  return row?.version ?? 0;
}

/** False when something newer is known already. */
export async function recordVersion(
  tx: Tx,
  dialect: DatabaseDialect,
  { id, version }: ParticipantVersion,
): Promise<boolean> {
  const participant_id = idToBytes(id);
  const known = await tx
    .selectFrom('participant_versions')
    .select('version')
    .where('participant_id', '=', participant_id)
    .$if(dialect.supportsRowLocks, (query) => query.forUpdate())
    .executeTakeFirst();
  if (!known) await insertVersion(tx, dialect, { participant_id, version });
  else if (known.version >= version) return false;
  else
    await tx
      .updateTable('participant_versions')
      .set({ version })
      .where('participant_id', '=', participant_id)
      .execute();
  return true;
}

/** @throws Overtaken when a booking made the row meanwhile */
async function insertVersion(
  tx: Tx,
  dialect: DatabaseDialect,
  row: AppointmentTables['participant_versions'],
): Promise<void> {
  try {
    await tx.insertInto('participant_versions').values(row).execute();
  } catch (error) {
    throw dialect.isUniqueViolation(error) ? new WriteConflict(error) : error;
  }
}
