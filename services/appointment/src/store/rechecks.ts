/** The appointments to come of those who have changed: who has to be looked at, and what came of it. */
import { type Appointment, type Caller, permit } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, together } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { TO_COME } from '../domain/lifecycle.ts';
import { StaleFacts } from '../domain/ports.ts';
import { type Looked, reschedulingReasons } from '../domain/rechecking.ts';
import { toMillis } from '../domain/time.ts';
import { toAppointment } from './appointment-row.ts';
import { changesOf, lockAppointment, nextVersion, type Tx } from './change.ts';
import type { PersonKind } from './person-changes.ts';
import { checkVersions } from './person-versions.ts';
import type { AppointmentTables } from './tables.ts';
import { lockOfType } from './type-versions.ts';

/** Somebody, or an appointment type, whose appointments have to be looked at again. */
export interface Recheck {
  readonly kind: PersonKind | 'type';
  readonly personId: string;
  /** The facts have to be at least of this version. */
  readonly version: number;
  readonly attempts: number;
  /** Where another time is stored, it was demanded again since, or another process has taken it. */
  readonly leasedUntil: number;
}

/** After so long somebody else may look: who began has ended. */
const LEASE_MILLIS = 30_000;
const FIRST_RETRY_MILLIS = 500;
const LONGEST_RETRY_MILLIS = 30_000;
const APPOINTMENTS_A_STEP = 100;

/** An appointment of which one of these has changed was compared with all facts by the move that changed it. */
const OF_MOVE = ['doctorId', 'appointmentTypeId', 'start', 'end'] as const;
/** A merge that changes the patient has the new one compared, and neither the doctor nor the type. */
const AS_SEEN = { patient: [...OF_MOVE, 'patientId'], doctor: OF_MOVE, type: OF_MOVE } as const;

/**
 * Which appointments to come are looked at. Of a type there is no index, which each booking would write: all to come are read
 * once, in the order of their starts, when a type is taken out of use. The expression keeps the index of the status out.
 */
function isConcerned({ kind, personId }: Recheck): Expression<SqlBool> {
  const id = idToBytes(personId);
  if (kind === 'patient') return sql`patient_id = ${id} and status in (${sql.join(TO_COME)})`;
  if (kind === 'doctor') return sql`doctor_id = ${id} and status in (${sql.join(TO_COME)})`;
  return sql`appointment_type_id = ${id} and coalesce(status, '') in (${sql.join(TO_COME)})`;
}

/** Returns the condition that a recheck is the one that was taken: no event and no merge has demanded it again. */
const isLeased =
  ({ personId, version, leasedUntil }: Recheck) =>
  (where: ExpressionBuilder<AppointmentTables, 'rechecks'>): Expression<SqlBool> =>
    where.and({ person_id: idToBytes(personId), version, due_at: leasedUntil });

export interface RecheckStore {
  /** Somebody who is due; nobody else gets the same one for a while. */
  next(caller: Caller): Promise<Recheck | undefined>;
  /** Their appointments to come, in the order of their starts, those after `after`. */
  upcoming(caller: Caller, recheck: Recheck, after: Appointment | undefined): Promise<Appointment[]>;
  /**
   * Flags appointments that need rescheduling and unflags others. Those that were moved or cancelled since are left, and in a
   * recheck of a patient those that a merge or an unmerge gave to another record. False, and nothing done, when an event told
   * of something newer since: somebody else looks, or will. What is known of a type is read with it: it is in the same
   * database.
   */
  flag(
    caller: Caller,
    recheck: Recheck,
    appointments: readonly Appointment[],
    looked: Looked | undefined,
  ): Promise<boolean>;
  /** It is looked at: nothing is due, unless something changed meanwhile. */
  finish(caller: Caller, recheck: Recheck): Promise<void>;
  /** It could not be looked at now. */
  postpone(caller: Caller, recheck: Recheck): Promise<void>;
}

export function createRecheckStore(database: Database<AppointmentTables>, clock: Clock): RecheckStore {
  const now = () => clock().epochMilliseconds;

  async function flagOne(tx: Tx, caller: Caller, seen: Appointment, looked: Looked): Promise<void> {
    const before = await lockAppointment(tx, database.dialect, seen.id, () => undefined);
    const isAsSeen = AS_SEEN[looked.kind].every((field) => before[field] === seen[field]);
    if (!isAsSeen || !TO_COME.includes(before.status)) return;
    const reasons = reschedulingReasons(before, looked);
    if (reasons.join() === (before.reschedulingReasons ?? []).join()) return;
    const needsRescheduling = reasons.length > 0;
    const flags = { needsRescheduling, ...(needsRescheduling && { reschedulingReasons: reasons }) };
    const after = nextVersion(before, flags, clock);
    const action = needsRescheduling ? 'flagged' : 'unflagged';
    const change = { action, before, after, moved: false } as const;
    await together(tx, database.dialect, changesOf(tx, caller, change, undefined));
  }

  async function lookAtType(tx: Tx, id: string): Promise<Looked> {
    const { active } = await lockOfType(tx, database.dialect, id).executeTakeFirstOrThrow();
    return { kind: 'type', active: active === 1 };
  }

  return {
    async next(caller) {
      permit(caller, ['service']);
      return database.write(async (tx) => {
        const row = await tx
          .selectFrom('rechecks')
          .selectAll()
          .where('due_at', '<=', now())
          .orderBy('due_at')
          .limit(1)
          .$if(database.dialect.locksRows, (query) => query.forUpdate().skipLocked())
          .executeTakeFirst();
        if (!row) return undefined;
        const lease = { due_at: now() + LEASE_MILLIS, attempts: row.attempts + 1 };
        await tx.updateTable('rechecks').set(lease).where('person_id', '=', row.person_id).execute();
        const { kind, person_id, version } = row;
        return { kind, personId: idFromBytes(person_id), version, attempts: lease.attempts, leasedUntil: lease.due_at };
      });
    },

    async upcoming(caller, recheck, after) {
      permit(caller, ['service']);
      const rows = await database.read((db) =>
        db
          .selectFrom('appointments')
          .selectAll()
          .where(isConcerned(recheck))
          .where((where) =>
            after === undefined
              ? where('starts_at', '>', now())
              : where.and([
                  where('starts_at', '>=', toMillis(after.start)),
                  where.or([where('starts_at', '>', toMillis(after.start)), where('id', '>', idToBytes(after.id))]),
                ]),
          )
          .orderBy('starts_at')
          .orderBy('id')
          .limit(APPOINTMENTS_A_STEP)
          .execute(),
      );
      return rows.map(toAppointment);
    },

    async flag(caller, { kind, personId, version }, appointments, looked) {
      permit(caller, ['service']);
      try {
        await database.write(async (tx) => {
          if (kind !== 'type') await checkVersions(tx, database.dialect, [{ id: personId, version }]);
          const known = looked ?? (await lookAtType(tx, personId));
          for (const appointment of appointments) await flagOne(tx, caller, appointment, known);
        });
        return true;
      } catch (error) {
        if (error instanceof StaleFacts) return false;
        throw error;
      }
    },

    async finish(caller, recheck) {
      permit(caller, ['service']);
      await database.write((tx) => tx.deleteFrom('rechecks').where(isLeased(recheck)).execute());
    },

    async postpone(caller, recheck) {
      permit(caller, ['service']);
      const pause = Math.min(FIRST_RETRY_MILLIS * 2 ** Math.min(recheck.attempts, 16), LONGEST_RETRY_MILLIS);
      await database.write((tx) =>
        tx
          .updateTable('rechecks')
          .set({ due_at: now() + pause })
          .where(isLeased(recheck))
          .execute(),
      );
    },
  };
}
