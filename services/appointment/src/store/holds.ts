/** Stores holds, which are reservations that expire. */
import {
  HOLD_MINUTES,
  type Hold,
  MAX_HOLDS_OF_PATIENT,
  MINUTE,
  permit,
  Refusal,
  toMillis,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  type Database,
  type DatabaseDialect,
  executeBatch,
  idFromBytes,
  idToBytes,
  isoFromMillis,
  newId,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { holdMatches } from '../domain/booking/booking-request.ts';
import { permitParticipants } from '../domain/booking/permissions.ts';
import { refusalFor } from '../domain/booking/rules.ts';
import { PEOPLE } from '../domain/ownership.ts';
import type { HoldStore, Placement } from '../domain/ports.ts';
import { lowestFree } from './lowest-free.ts';
import { isOwnHold } from './ownership.ts';
import { recentHoldStatement } from './recent-holds.ts';
import { releaseStatement, reserve } from './reservations.ts';
import type { AppointmentTables, Db, HoldRow, Tx } from './tables.ts';

const toHold = (row: HoldRow): Hold => ({
  id: idFromBytes(row.id),
  doctorId: idFromBytes(row.doctor_id),
  appointmentTypeId: idFromBytes(row.appointment_type_id),
  start: isoFromMillis(row.starts_at),
  end: isoFromMillis(row.ends_at),
  expiresAt: isoFromMillis(row.expires_at),
});

/** Selects the holds that a caller reaches and that have not expired. */
const liveHolds = (db: Db, caller: VerifiedCaller, now: number) =>
  db.selectFrom('holds').selectAll().where(isOwnHold(caller)).where('expires_at', '>', now);

async function remove(tx: Tx, dialect: DatabaseDialect, id: string): Promise<void> {
  await executeBatch(tx, dialect, [releaseStatement(tx, id), tx.deleteFrom('holds').where('id', '=', idToBytes(id))]);
}

/**
 * Returns the first ordinal of a patient that no other hold has. Expired holds do not count and are deleted.
 * @throws Refusal `too-many-holds`
 */
async function freeOrdinal(tx: Tx, dialect: DatabaseDialect, callerId: string, now: number): Promise<number> {
  const holds = await tx
    .selectFrom('holds')
    .select(['id', 'ordinal', 'expires_at'])
    .where('caller_id', '=', callerId)
    .where('ordinal', 'is not', null)
    .execute();
  const live = holds.filter(({ expires_at }) => expires_at > now);
  if (live.length >= MAX_HOLDS_OF_PATIENT) {
    throw new Refusal(
      'too-many-holds',
      `You already hold ${MAX_HOLDS_OF_PATIENT} slots, which is the limit. Release one first.`,
    );
  }
  for (const { id } of holds.filter(({ expires_at }) => expires_at <= now)) await remove(tx, dialect, idFromBytes(id));
  return lowestFree(new Set(live.map(({ ordinal }) => ordinal)));
}

/**
 * Releases the time of a hold of the caller itself, for an appointment in the same transaction.
 * @throws Refusal `hold-expired`
 */
export async function useHold(
  tx: Tx,
  dialect: DatabaseDialect,
  callerId: string,
  holdId: string,
  { doctorId, visit }: Placement,
  now: number,
): Promise<void> {
  const row = await tx
    .selectFrom('holds')
    .selectAll()
    .where('caller_id', '=', callerId)
    .where('expires_at', '>', now)
    .where('id', '=', idToBytes(holdId))
    .$if(dialect.supportsRowLocks, (query) => query.forUpdate())
    .executeTakeFirst();
  if (!holdMatches(row && toHold(row), { doctorId, start: visit.start })) {
    throw refusalFor('hold-expired');
  }
  await remove(tx, dialect, holdId);
}

export function createHoldStore(database: Database<AppointmentTables>, clock: Clock): HoldStore {
  return {
    async add(caller, placement, write) {
      permit(caller, PEOPLE);
      permitParticipants(caller, { doctorId: placement.doctorId });
      const now = clock().epochMilliseconds;
      const hold: Hold = {
        id: newId(),
        doctorId: idFromBytes(idToBytes(placement.doctorId)),
        appointmentTypeId: idFromBytes(idToBytes(placement.type.id)),
        start: isoFromMillis(placement.visit.start),
        end: isoFromMillis(placement.visit.end),
        expiresAt: isoFromMillis(now + HOLD_MINUTES * MINUTE),
      };
      await database.write(async (tx) => {
        const isLimited = caller.role === 'patient';
        const ordinal = isLimited ? await freeOrdinal(tx, database.dialect, caller.id, now) : null;
        const counted = isLimited ? [await recentHoldStatement(tx, caller.id, now)] : [];
        const expiresAt = toMillis(hold.expiresAt);
        const row: HoldRow = {
          id: idToBytes(hold.id),
          doctor_id: idToBytes(hold.doctorId),
          appointment_type_id: idToBytes(hold.appointmentTypeId),
          starts_at: toMillis(hold.start),
          ends_at: toMillis(hold.end),
          expires_at: expiresAt,
          caller_id: caller.id,
          ordinal,
        };
        // Another request of the same patient may take the ordinals meanwhile; unique keys reject that.
        const extraStatements = [tx.insertInto('holds').values(row), ...counted];
        await reserve(tx, database.dialect, { holder: { id: hold.id, expiresAt }, placement, clock, extraStatements });
        await write.storeResponse(tx, hold);
      });
      return hold;
    },

    async find(caller, id) {
      permit(caller, PEOPLE);
      const now = clock().epochMilliseconds;
      const row = await database.read((db) =>
        liveHolds(db, caller, now).where('id', '=', idToBytes(id)).executeTakeFirst(),
      );
      return row && toHold(row);
    },

    async remove(caller, id, write) {
      permit(caller, PEOPLE);
      await database.write(async (tx) => {
        const live = liveHolds(tx, caller, clock().epochMilliseconds);
        const row = await live.where('id', '=', idToBytes(id)).executeTakeFirst();
        if (!row) throw new Refusal('not-found', 'There is no hold with this id, or it has run out.');
        write.checkVersion(1);
        await remove(tx, database.dialect, id);
        await write.storeResponse(tx, undefined);
      });
    },
  };
}
