/** Stores due revalidations and their results for future appointments. */
import { type Appointment, permit, toMillis, type VerifiedCaller } from '@daybook/contracts';
import { type Database, executeBatch, idFromBytes, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { UPCOMING_STATUSES } from '../domain/booking/lifecycle.ts';
import { type CurrentFacts, reschedulingReasons } from '../domain/booking/revalidation.ts';
import { StaleFacts } from '../domain/booking/stale-facts.ts';
import { lockAppointment, nextVersion, updateStatements } from './appointment-changes.ts';
import { toAppointment } from './appointment-row.ts';
import { checkVersions } from './participant-versions.ts';
import { retryPauseMillis } from './retry-pause.ts';
import type { ParticipantKind } from './revalidation-requests.ts';
import type { AppointmentTables, Tx } from './tables.ts';
import { typeLockStatement } from './type-versions.ts';

/** A participant or an appointment type whose appointments are due for revalidation. */
export interface Revalidation {
  readonly kind: ParticipantKind | 'type';
  readonly subjectId: string;
  /** The version that the facts must have at least. */
  readonly version: number;
  readonly attempts: number;
  /** Another value in the database means a new request, or that another process took the lease. */
  readonly leasedUntil: number;
}

/** After this time another process may take over, because the first one has ended. */
const LEASE_MILLIS = 30_000;
const APPOINTMENTS_PER_BATCH = 100;

/** A move that changed one of these fields has already compared the appointment with all facts. */
const OF_MOVE = ['doctorId', 'appointmentTypeId', 'start', 'end'] as const;
/** A merge that changes the patient requests its own comparison with the patient, but not with doctor or type. */
const REVALIDATED_FIELDS = { patient: [...OF_MOVE, 'patientId'], doctor: OF_MOVE, type: OF_MOVE } as const;

/**
 * Returns the condition for the future appointments to revalidate.
 * A type has no index, because each booking would write it.
 * When a type becomes inactive, all future appointments are read once, in the order of their starts.
 * The expression excludes the index of the status.
 */
function isAffected({ kind, subjectId }: Revalidation): Expression<SqlBool> {
  const id = idToBytes(subjectId);
  if (kind === 'patient') return sql`patient_id = ${id} and status in (${sql.join(UPCOMING_STATUSES)})`;
  if (kind === 'doctor') return sql`doctor_id = ${id} and status in (${sql.join(UPCOMING_STATUSES)})`;
  return sql`appointment_type_id = ${id} and coalesce(status, '') in (${sql.join(UPCOMING_STATUSES)})`;
}

/** Returns the condition that a revalidation still has its lease and was not requested again. */
const isLeased =
  ({ subjectId, version, leasedUntil }: Revalidation) =>
  (where: ExpressionBuilder<AppointmentTables, 'revalidations'>): Expression<SqlBool> =>
    where.and({ subject_id: idToBytes(subjectId), version, due_at: leasedUntil });

export interface RevalidationStore {
  /** Returns a due revalidation and leases it, so that other processes skip it for a while. */
  next(caller: VerifiedCaller): Promise<Revalidation | undefined>;
  /** Returns future appointments that follow `after`, in the order of their starts. */
  upcoming(caller: VerifiedCaller, revalidation: Revalidation, after: Appointment | undefined): Promise<Appointment[]>;
  /**
   * Flags appointments that need rescheduling and unflags others.
   * Appointments that were moved or cancelled since are skipped.
   * For a patient, so are those that a merge or an unmerge gave to another record.
   * Returns false and changes nothing when an event announced a newer version, because a later revalidation follows.
   * The facts of a type are read in the same transaction, because they are in the same database.
   */
  flag(
    caller: VerifiedCaller,
    revalidation: Revalidation,
    appointments: readonly Appointment[],
    facts: CurrentFacts | undefined,
  ): Promise<boolean>;
  /** Finishes a revalidation. Nothing is due unless something changed meanwhile. */
  finish(caller: VerifiedCaller, revalidation: Revalidation): Promise<void>;
  /** Postpones a revalidation that failed. */
  postpone(caller: VerifiedCaller, revalidation: Revalidation): Promise<void>;
}

export function createRevalidationStore(database: Database<AppointmentTables>, clock: Clock): RevalidationStore {
  const now = () => clock().epochMilliseconds;

  async function flagOne(tx: Tx, caller: VerifiedCaller, expected: Appointment, facts: CurrentFacts): Promise<void> {
    const before = await lockAppointment(tx, database.dialect, caller, expected.id, () => undefined);
    const isUnchanged = REVALIDATED_FIELDS[facts.kind].every((field) => before[field] === expected[field]);
    if (!isUnchanged || !UPCOMING_STATUSES.includes(before.status)) return;
    const reasons = reschedulingReasons(before, facts);
    if (reasons.join() === (before.reschedulingReasons ?? []).join()) return;
    const needsRescheduling = reasons.length > 0;
    const flags = { needsRescheduling, ...(needsRescheduling && { reschedulingReasons: reasons }) };
    const after = nextVersion(before, flags, clock);
    const action = needsRescheduling ? 'flagged' : 'unflagged';
    const change = { action, before, after, moved: false } as const;
    await executeBatch(tx, database.dialect, updateStatements(tx, caller, change, undefined));
  }

  async function readTypeFacts(tx: Tx, id: string): Promise<CurrentFacts> {
    const { active } = await typeLockStatement(tx, database.dialect, id).executeTakeFirstOrThrow();
    return { kind: 'type', active: active === 1 };
  }

  return {
    async next(caller) {
      permit(caller, ['service']);
      return database.write(async (tx) => {
        const row = await tx
          .selectFrom('revalidations')
          .selectAll()
          .where('due_at', '<=', now())
          .orderBy('due_at')
          .limit(1)
          .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate().skipLocked())
          .executeTakeFirst();
        if (!row) return undefined;
        const lease = { due_at: now() + LEASE_MILLIS, attempts: row.attempts + 1 };
        await tx.updateTable('revalidations').set(lease).where('subject_id', '=', row.subject_id).execute();
        const { kind, subject_id, version } = row;
        return {
          kind,
          subjectId: idFromBytes(subject_id),
          version,
          attempts: lease.attempts,
          leasedUntil: lease.due_at,
        };
      });
    },

    async upcoming(caller, revalidation, after) {
      permit(caller, ['service']);
      const rows = await database.read((db) =>
        db
          .selectFrom('appointments')
          .selectAll()
          .where(isAffected(revalidation))
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
          .limit(APPOINTMENTS_PER_BATCH)
          .execute(),
      );
      return rows.map(toAppointment);
    },

    async flag(caller, { kind, subjectId, version }, appointments, facts) {
      permit(caller, ['service']);
      try {
        await database.write(async (tx) => {
          if (kind !== 'type') await checkVersions(tx, database.dialect, [{ id: subjectId, version }]);
          const known = facts ?? (await readTypeFacts(tx, subjectId));
          for (const appointment of appointments) await flagOne(tx, caller, appointment, known);
        });
        return true;
      } catch (error) {
        if (error instanceof StaleFacts) return false;
        throw error;
      }
    },

    async finish(caller, revalidation) {
      permit(caller, ['service']);
      await database.write((tx) => tx.deleteFrom('revalidations').where(isLeased(revalidation)).execute());
    },

    async postpone(caller, revalidation) {
      permit(caller, ['service']);
      await database.write((tx) =>
        tx
          .updateTable('revalidations')
          .set({ due_at: now() + retryPauseMillis(revalidation.attempts) })
          .where(isLeased(revalidation))
          .execute(),
      );
    },
  };
}
