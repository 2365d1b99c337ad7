/** Stores appointments together with their reservations, history and events. */
import {
  type Appointment,
  type AppointmentStatus,
  applyMergePatch,
  CLINIC_STAFF,
  DAY,
  instantText,
  MAX_UPCOMING_OF_PATIENT,
  type ProblemCode,
  permit,
  Refusal,
  ROLES,
  UPDATED_FIELDS,
  type UpdatedField,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  type Database,
  executeBatch,
  idFromBytes,
  idToBytes,
  isoFromMillis,
  newId,
  type WriteContext,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { sql } from 'kysely';
import {
  checkCancellable,
  checkNotEnded,
  checkWithinDeadline,
  statusAfter,
  UPCOMING_STATUSES,
} from '../domain/booking/lifecycle.ts';
import { permitParticipants, permitPatch } from '../domain/booking/permissions.ts';
import { isFull, NOTHING_TAKEN, refusalFor } from '../domain/booking/rules.ts';
import { PEOPLE } from '../domain/ownership.ts';
import type { AppointmentStore, Move, NewBooking, Placement, StepBackDecision } from '../domain/ports.ts';
import { cellsOf } from '../domain/slots/grid.ts';
import { visibleTo } from '../domain/visibility.ts';
import { type Change, historyInserts, lockAppointment, nextVersion, updateStatements } from './appointment-changes.ts';
import { toAppointment, toRow } from './appointment-row.ts';
import { useHold } from './holds.ts';
import { isOwn } from './ownership.ts';
import { checkVersions, lockParticipant } from './participant-versions.ts';
import { releaseStatement, reserve } from './reservations.ts';
import type { AppointmentTables, Tx } from './tables.ts';
import { readTakenSeats } from './taken-seats.ts';
import { checkType, typeLockStatement } from './type-versions.ts';

const placementFields = ({ doctorId, type, timeZone, visit }: Placement) => ({
  // Ids in the stored form, whatever their form in the request.
  doctorId: idFromBytes(idToBytes(doctorId)),
  appointmentTypeId: idFromBytes(idToBytes(type.id)),
  timeZone,
  start: isoFromMillis(visit.start),
  end: isoFromMillis(visit.end),
});

function newAppointment({ patientId, reason, placement }: NewBooking, at: string): Appointment {
  return {
    id: newId(),
    patientId: idFromBytes(idToBytes(patientId)),
    ...(reason !== undefined && { reason }),
    ...placementFields(placement),
    status: 'booked',
    sequence: 0,
    needsRescheduling: false,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}

/** Returns the history details of a placement: overbooking and walk-in. */
const historyDetailsOf = ({ overbooking, walkIn }: Placement) => ({
  reason: overbooking?.reason,
  overbooked: overbooking !== undefined,
  walkIn,
});

const changedFields = (before: Appointment, after: Appointment): UpdatedField[] =>
  UPDATED_FIELDS.filter((field) => before[field] !== after[field]);

/** Returns the change of a move, or undefined when nothing would change. */
function moveOf(
  before: Appointment,
  { action, placement, reason, patch = {} }: Move,
  clock: Clock,
): Change | undefined {
  const to = placementFields(placement);
  const hasNewTimes = before.doctorId !== to.doctorId || before.start !== to.start || before.end !== to.end;
  if (!hasNewTimes && before.appointmentTypeId === to.appointmentTypeId) return undefined;
  // iCalendar requires a new sequence after a change of time.
  const sequence = before.sequence + (hasNewTimes ? 1 : 0);
  const after = nextVersion(applyMergePatch(before, patch), { ...to, sequence }, clock);
  const { overbooking } = placement;
  return {
    action,
    before,
    after,
    moved: true,
    ...historyDetailsOf(placement),
    ...(reason !== undefined && { reason, overbookingReason: overbooking?.reason }),
    ...(action === 'updated' && { changed: changedFields(before, after) }),
  };
}

/** A patient counts as a doctor's for this number of days after a visit. */
const CARE_DAYS = 90;

/** The statuses of appointments that lead to no visit. */
const NO_VISIT: readonly AppointmentStatus[] = ['cancelled', 'entered-in-error'];

async function readDeadline(tx: Tx, { appointmentTypeId }: Appointment): Promise<number> {
  const type = await tx
    .selectFrom('appointment_types')
    .select('cancellation_deadline_minutes')
    .where('id', '=', idToBytes(appointmentTypeId))
    .executeTakeFirstOrThrow();
  return type.cancellation_deadline_minutes;
}

/**
 * Checks that the patient of a new appointment has fewer upcoming ones than the limit.
 * The lock of the patient lets one booking after the other count, in all processes.
 * @throws Refusal `too-many-appointments`
 */
async function checkUpcoming(
  tx: Tx,
  dialect: Database['dialect'],
  { patientId }: Appointment,
  now: number,
): Promise<void> {
  const patient = idToBytes(patientId);
  await lockParticipant(tx, dialect, patient, 'exclusive');
  const upcoming = await tx
    .selectFrom('appointments')
    .select('id')
    .where('patient_id', '=', patient)
    .where('starts_at', '>', now)
    .where(sql<boolean>`coalesce(status, '') in (${sql.join(UPCOMING_STATUSES)})`)
    .limit(MAX_UPCOMING_OF_PATIENT)
    .execute();
  if (upcoming.length >= MAX_UPCOMING_OF_PATIENT) throw refusalFor('too-many-appointments');
}

/** Stores the response and returns the appointment as its caller may see it. */
async function saveVisible(
  tx: Tx,
  caller: VerifiedCaller,
  appointment: Appointment,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  const visible = visibleTo(caller, appointment);
  await write.storeResponse(tx, visible);
  return visible;
}

export function createAppointmentStore(database: Database<AppointmentTables>, clock: Clock): AppointmentStore {
  const { dialect } = database;

  async function releaseHold(tx: Tx, callerId: string, placement: Placement): Promise<void> {
    if (placement.holdId === undefined) return;
    await useHold(tx, dialect, callerId, placement.holdId, placement, clock().epochMilliseconds);
  }

  /**
   * Returns `patient-busy` when the patient of a visit that kept its time has another visit then, as after a merge.
   * It first locks what the visit was compared with, as `reserve` does for a visit that reserves its time again.
   * @throws StaleFacts
   */
  async function findCollisions(
    tx: Tx,
    { id, patientId }: Appointment,
    { placement: { type, verified, visit } }: NonNullable<StepBackDecision['restored']>,
  ): Promise<ProblemCode[]> {
    checkType(type, await typeLockStatement(tx, dialect, type.id).execute());
    await checkVersions(tx, dialect, verified);
    const query = { resourceIds: [patientId], range: visit, exceptHolders: [id] };
    const taken = await readTakenSeats(tx, dialect, query, clock().epochMilliseconds);
    return isFull(cellsOf(visit), taken.get(patientId) ?? NOTHING_TAKEN, 1) ? ['patient-busy'] : [];
  }

  return {
    async find(caller, id) {
      permit(caller, ROLES);
      const row = await database.read((db) =>
        db
          .selectFrom('appointments')
          .selectAll()
          .where('id', '=', idToBytes(id))
          .where(isOwn(caller))
          .executeTakeFirst(),
      );
      return row && visibleTo(caller, toAppointment(row));
    },

    async treats(caller, patientId) {
      permit(caller, ['doctor']);
      const since = clock().epochMilliseconds - CARE_DAYS * DAY;
      const visit = await database.read((db) =>
        db
          .selectFrom('appointments')
          .select('id')
          .where('patient_id', '=', idToBytes(patientId))
          .where(isOwn(caller))
          .where('ends_at', '>', since)
          .where(sql<boolean>`coalesce(status, '') not in (${sql.join(NO_VISIT)})`)
          .limit(1)
          .executeTakeFirst(),
      );
      return visit !== undefined;
    },

    async book(caller, booking, write) {
      permit(caller, PEOPLE);
      permitParticipants(caller, { patientId: booking.patientId, doctorId: booking.placement.doctorId });
      const after = newAppointment(booking, instantText(clock()));
      const { placement } = booking;
      const change = { action: 'booked', after, moved: true, ...historyDetailsOf(placement) } as const;
      return database.write(async (tx) => {
        if (caller.role === 'patient') await checkUpcoming(tx, dialect, after, clock().epochMilliseconds);
        await reserve(tx, dialect, {
          holder: after,
          placement,
          clock,
          releasePrevious: placement.holdId === undefined ? undefined : () => releaseHold(tx, caller.id, placement),
          extraStatements: [
            tx.insertInto('appointments').values(toRow(after)),
            ...historyInserts(tx, caller, change, write.traceparent),
          ],
        });
        return saveVisible(tx, caller, after, write);
      });
    },

    async move(caller, id, move, write) {
      permit(caller, PEOPLE);
      const { placement } = move;
      permitParticipants(caller, { doctorId: placement.doctorId });
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, caller, id, write.checkVersion);
        move.check(before);
        checkWithinDeadline(before, caller, await readDeadline(tx, before), clock(), 'move');
        const change = moveOf(before, move, clock);
        if (!change) {
          await releaseHold(tx, caller.id, placement);
          return saveVisible(tx, caller, before, write);
        }
        await reserve(tx, dialect, {
          holder: before,
          placement,
          clock,
          async releasePrevious() {
            await releaseStatement(tx, id).execute();
            await releaseHold(tx, caller.id, placement);
          },
          extraStatements: updateStatements(tx, caller, change, write.traceparent),
        });
        return saveVisible(tx, caller, change.after, write);
      });
    },

    async change(caller, id, patch, check, write) {
      permit(caller, PEOPLE);
      permitPatch(caller, patch);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, caller, id, write.checkVersion);
        check(before);
        checkNotEnded(before);
        const patched = applyMergePatch(before, patch);
        const changed = changedFields(before, patched);
        if (changed.length === 0) return saveVisible(tx, caller, before, write);
        const { needsRescheduling, reschedulingReasons } = before;
        // The facts of the booking are unchanged, so the flags stay.
        const flags = { needsRescheduling, ...(reschedulingReasons && { reschedulingReasons }) };
        const after = nextVersion(patched, flags, clock);
        const change = { action: 'updated', before, after, moved: false, changed } as const;
        await executeBatch(tx, dialect, updateStatements(tx, caller, change, write.traceparent));
        return saveVisible(tx, caller, after, write);
      });
    },

    async cancel(caller, id, { reason }, write) {
      permit(caller, PEOPLE);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, caller, id, write.checkVersion);
        if (before.status === 'cancelled') {
          return saveVisible(tx, caller, before, write);
        }
        checkCancellable(before, caller, await readDeadline(tx, before), clock());
        const after = nextVersion(before, { status: 'cancelled' }, clock);
        const change = { action: 'cancelled', before, after, reason, moved: false } as const;
        await executeBatch(tx, dialect, [
          releaseStatement(tx, id),
          ...updateStatements(tx, caller, change, write.traceparent),
        ]);
        return saveVisible(tx, caller, after, write);
      });
    },

    async takeStep(caller, id, step, write) {
      permit(caller, CLINIC_STAFF);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, caller, id, write.checkVersion);
        const status = statusAfter(step, before, clock());
        const after = nextVersion(before, { status }, clock);
        const change = { action: status, before, after, moved: false } as const;
        await executeBatch(tx, dialect, updateStatements(tx, caller, change, write.traceparent));
        return saveVisible(tx, caller, after, write);
      });
    },

    async stepBack(caller, id, { version, to, reason, restored }, write) {
      permit(caller, CLINIC_STAFF);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, caller, id, write.checkVersion);
        if (before.version !== version) {
          throw new Refusal('changed-meanwhile', 'The appointment changed after it was read. Read it again and retry.');
        }
        const keepsTime = before.status !== 'cancelled';
        const collisions = restored && keepsTime ? await findCollisions(tx, before, restored) : [];
        const reasons = [...(restored?.reschedulingReasons ?? []), ...collisions].sort();
        const flags = reasons.length > 0 && { needsRescheduling: true, reschedulingReasons: reasons };
        const after = nextVersion(before, { status: to, ...flags }, clock);
        const change = { action: 'stepped-back', before, after, reason, moved: false } as const;
        const statements = updateStatements(tx, caller, change, write.traceparent);
        if (restored && !keepsTime) {
          await reserve(tx, dialect, {
            holder: before,
            placement: restored.placement,
            clock,
            extraStatements: statements,
          });
        } else {
          await executeBatch(tx, dialect, statements);
        }
        return saveVisible(tx, caller, after, write);
      });
    },
  };
}
