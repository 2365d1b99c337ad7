/**
 * The newest version of each patient and doctor that an event announced.
 * An appointment is not written on older facts.
 * When a participant changes during a booking, either the booking reads the change or the revalidation reads the
 * booking.
 * (Known failure: leave that is added during a booking into it.)
 */
import {
  type DatabaseDialect,
  idFromBytes,
  idToBytes,
  mapUniqueViolation,
  SHARED_LOCK,
  WriteConflict,
} from '@daybook/database';
import { sql } from 'kysely';
import { StaleFacts } from '../domain/booking/stale-facts.ts';
import type { ParticipantVersion, Placement } from '../domain/ports.ts';
import type { AppointmentTables, Tx } from './tables.ts';

type VersionRow = AppointmentTables['participant_versions'];
type Known = ReadonlyMap<string, number>;

const key = (id: Uint8Array): string => idFromBytes(id);

/** Whether other transactions may lock the same participants simultaneously. */
type Lock = 'shared' | 'exclusive';

/** Returns the statement that reads the rows and, where the database supports row locks, locks them. */
const selectVersions = (tx: Tx, dialect: DatabaseDialect, ids: readonly Uint8Array[], lock: Lock) =>
  tx
    .selectFrom('participant_versions')
    .selectAll()
    .where('participant_id', 'in', ids)
    .$if(dialect.supportsRowLocks, (query) => query.modifyEnd(lock === 'shared' ? SHARED_LOCK : sql`for update`));

/** Inserts missing participants, so that their rows can be locked. Version 0 precedes that of every event. */
const insertUnknown = (tx: Tx, ids: readonly Uint8Array[]) =>
  tx
    .insertInto('participant_versions')
    .ignore()
    .values(ids.map((participant_id) => ({ participant_id, version: 0 })))
    .execute();

const knownOf = (rows: readonly VersionRow[]): Known =>
  new Map(rows.map(({ participant_id, version }) => [key(participant_id), version]));

/** A statement that can join a batch, and the check of its rows. */
interface VersionCheck {
  readonly statement: ReturnType<typeof selectVersions>;
  /**
   * Checks the rows.
   * True when the statement locked the participants. False when this call locked them, so earlier reads may be stale.
   * @throws StaleFacts when an event announced a newer version than the rules were applied to
   */
  check(rows: readonly VersionRow[]): Promise<boolean>;
}

/**
 * Creates the check. Where the database has row locks, it first inserts missing rows, so that they can be locked.
 * A consumer of an event then waits for this transaction, and reads what it wrote.
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
        await insertUnknown(tx, missing);
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

/**
 * Checks versions under a shared lock.
 * @throws StaleFacts when an event announced a newer version than the rules were applied to
 */
export async function checkVersions(
  tx: Tx,
  dialect: DatabaseDialect,
  verified: readonly ParticipantVersion[],
): Promise<void> {
  const { statement, check } = versionCheck(tx, dialect, verified, 'shared');
  await check(await statement.execute());
}

/**
 * Locks the participants of a placement, as the first statement of each reservation.
 * Visits without groups use a shared lock, because the key decides between them.
 * Groups and overbookings use an exclusive lock until the transaction ends.
 * The key does not detect a seat of a group next to a visit for one.
 */
export const lockParticipants = (
  tx: Tx,
  dialect: DatabaseDialect,
  { verified, type, overbooking }: Placement,
): VersionCheck => versionCheck(tx, dialect, verified, type.capacity > 1 || overbooking ? 'exclusive' : 'shared');

/**
 * Locks a participant against events with newer versions. Returns the known version, or 0 without one.
 * Other transactions may book for them meanwhile only when the lock is shared.
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
  await insertUnknown(tx, [participant_id]);
  const [row] = await statement.execute();
  return row?.version ?? 0;
}

/**
 * Records a version. Returns false when a newer one, or the same, is known.
 * @throws WriteConflict when a booking inserted the row meanwhile
 */
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
  if (known && known.version >= version) return false;
  if (known) {
    await tx
      .updateTable('participant_versions')
      .set({ version })
      .where('participant_id', '=', participant_id)
      .execute();
  } else {
    await mapUniqueViolation(
      dialect,
      tx.insertInto('participant_versions').values({ participant_id, version }).execute(),
      (violation) => new WriteConflict(violation),
    );
  }
  return true;
}
