/** Appointments, with their reservations, history and events: what belongs together is written together. */
import {
  type Appointment,
  applyMergePatch,
  type Caller,
  CLINIC_STAFF,
  instantText,
  type ProblemCode,
  permit,
  Refusal,
  ROLES,
  STAFF,
  UPDATED_FIELDS,
  type UpdatedField,
} from '@daybook/contracts';
import {
  type Database,
  idFromBytes,
  idToBytes,
  isoFromMillis,
  newId,
  together,
  type WriteContext,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { isFull, NOTHING_TAKEN } from '../domain/booking-rules.ts';
import { cellsOf } from '../domain/grid.ts';
import { checkCancellable, checkNotEnded, statusAfter } from '../domain/lifecycle.ts';
import type { AppointmentStore, Move, NewBooking, Placement, Return } from '../domain/ports.ts';
import { shownTo, toAppointment, toRow } from './appointment-row.ts';
import { type Change, changesOf, lockAppointment, nextVersion, recordsOf, type Tx } from './change.ts';
import { readActions } from './history-actions.ts';
import { useHold } from './holds.ts';
import { checkVersions } from './person-versions.ts';
import { readTakenSeats, releaseOf, reserve } from './reservations.ts';
import type { AppointmentTables } from './tables.ts';
import { checkType, lockOfType } from './type-versions.ts';

const placed = ({ doctorId, type, timeZone, visit }: Placement) => ({
  // As ids are written here, however the request wrote it.
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
    ...placed(placement),
    status: 'booked',
    sequence: 0,
    needsRescheduling: false,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}

/** What history says of how a time was taken: beside others on purpose, in the running five minutes. */
const traceOf = ({ overbooking, walkIn }: Placement) => ({
  reason: overbooking?.reason,
  overbooked: overbooking !== undefined,
  walkIn,
});

const changedFields = (before: Appointment, after: Appointment): UpdatedField[] =>
  UPDATED_FIELDS.filter((field) => before[field] !== after[field]);

/** Returns what a move changes, or undefined where everything is as it is to be already. */
function moveOf(
  before: Appointment,
  { action, placement, reason, patch = {} }: Move,
  clock: Clock,
): Change | undefined {
  const to = placed(placement);
  const hasNewTimes = before.doctorId !== to.doctorId || before.start !== to.start || before.end !== to.end;
  if (!hasNewTimes && before.appointmentTypeId === to.appointmentTypeId) return undefined;
  // As iCalendar wants it: what is at another time has another sequence.
  const sequence = before.sequence + (hasNewTimes ? 1 : 0);
  const after = nextVersion(applyMergePatch(before, patch), { ...to, sequence }, clock);
  const { overbooking } = placement;
  return {
    action,
    before,
    after,
    moved: true,
    ...traceOf(placement),
    ...(reason !== undefined && { reason, overbookingReason: overbooking?.reason }),
    ...(action === 'updated' && { changed: changedFields(before, after) }),
  };
}

/** Keeps and returns an appointment as its caller may see it. */
async function keepShown(
  tx: Tx,
  caller: Caller,
  appointment: Appointment,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  const shown = shownTo(caller, appointment);
  await write.keep(tx, shown);
  return shown;
}

export function createAppointmentStore(database: Database<AppointmentTables>, clock: Clock): AppointmentStore {
  const { dialect } = database;

  async function giveBackHold(tx: Tx, callerId: string, placement: Placement): Promise<void> {
    if (placement.holdId === undefined) return;
    await useHold(tx, dialect, callerId, placement.holdId, placement, clock().epochMilliseconds);
  }

  /**
   * Returns `patient-busy` where the patient of a visit that has kept its time has another visit then, as after a merge. First it
   * locks what the visit was compared with, as `reserve` does for a visit that takes its time again.
   * @throws StaleFacts
   */
  async function findCollisions(
    tx: Tx,
    { id, patientId }: Appointment,
    { placement: { type, verified, visit } }: NonNullable<Return['again']>,
  ): Promise<ProblemCode[]> {
    checkType(type, await lockOfType(tx, dialect, type.id).execute());
    await checkVersions(tx, dialect, verified);
    const query = { resourceIds: [patientId], range: visit, exceptHolders: [id] };
    const taken = await readTakenSeats(tx, dialect, query, clock().epochMilliseconds);
    return isFull(cellsOf(visit), taken.get(patientId) ?? NOTHING_TAKEN, 1) ? ['patient-busy'] : [];
  }

  return {
    async find(caller, id) {
      permit(caller, STAFF);
      const row = await database.read((db) =>
        db.selectFrom('appointments').selectAll().where('id', '=', idToBytes(id)).executeTakeFirst(),
      );
      return row && shownTo(caller, toAppointment(row));
    },

    async takenSeats(caller, query) {
      permit(caller, ROLES);
      return database.read((db) => readTakenSeats(db, database.dialect, query, clock().epochMilliseconds));
    },

    async book(caller, booking, write) {
      permit(caller, STAFF);
      const after = newAppointment(booking, instantText(clock()));
      const { placement } = booking;
      const change = { action: 'booked', after, moved: true, ...traceOf(placement) } as const;
      await database.write(async (tx) => {
        await reserve(tx, dialect, {
          holder: after,
          placement,
          clock,
          giveBack: placement.holdId === undefined ? undefined : () => giveBackHold(tx, caller.id, placement),
          alongside: [
            tx.insertInto('appointments').values(toRow(after)),
            ...recordsOf(tx, caller, change, write.traceparent),
          ],
        });
        await write.keep(tx, after);
      });
      return after;
    },

    async move(caller, id, move, write) {
      permit(caller, STAFF);
      const { placement } = move;
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, id, write.checkVersion);
        move.check(before);
        const change = moveOf(before, move, clock);
        if (!change) {
          await giveBackHold(tx, caller.id, placement);
          return keepShown(tx, caller, before, write);
        }
        await reserve(tx, dialect, {
          holder: before,
          placement,
          clock,
          async giveBack() {
            await releaseOf(tx, id).execute();
            await giveBackHold(tx, caller.id, placement);
          },
          alongside: changesOf(tx, caller, change, write.traceparent),
        });
        return keepShown(tx, caller, change.after, write);
      });
    },

    async change(caller, id, patch, check, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, id, write.checkVersion);
        check(before);
        checkNotEnded(before);
        const patched = applyMergePatch(before, patch);
        const changed = changedFields(before, patched);
        if (changed.length === 0) return keepShown(tx, caller, before, write);
        const { needsRescheduling, reschedulingReasons } = before;
        // What it was booked on is as it was.
        const flags = { needsRescheduling, ...(reschedulingReasons && { reschedulingReasons }) };
        const after = nextVersion(patched, flags, clock);
        const change = { action: 'updated', before, after, moved: false, changed } as const;
        await together(tx, dialect, changesOf(tx, caller, change, write.traceparent));
        return keepShown(tx, caller, after, write);
      });
    },

    async cancel(caller, id, { reason }, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, id, write.checkVersion);
        if (before.status === 'cancelled') {
          return keepShown(tx, caller, before, write);
        }
        const type = await tx
          .selectFrom('appointment_types')
          .select('cancellation_deadline_minutes')
          .where('id', '=', idToBytes(before.appointmentTypeId))
          .executeTakeFirstOrThrow();
        checkCancellable(before, caller, type.cancellation_deadline_minutes, clock());
        const after = nextVersion(before, { status: 'cancelled' }, clock);
        const change = { action: 'cancelled', before, after, reason, moved: false } as const;
        await together(tx, dialect, [releaseOf(tx, id), ...changesOf(tx, caller, change, write.traceparent)]);
        return keepShown(tx, caller, after, write);
      });
    },

    async take(caller, id, step, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, id, write.checkVersion);
        const status = statusAfter(step, before, clock());
        const after = nextVersion(before, { status }, clock);
        const change = { action: status, before, after, moved: false } as const;
        await together(tx, dialect, changesOf(tx, caller, change, write.traceparent));
        return keepShown(tx, caller, after, write);
      });
    },

    actions(caller, id) {
      permit(caller, STAFF);
      return readActions(database, id);
    },

    async stepBack(caller, id, { version, to, reason, again }, write) {
      permit(caller, CLINIC_STAFF);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, id, write.checkVersion);
        if (before.version !== version) {
          throw new Refusal('changed-meanwhile', 'Somebody else changed the appointment: read it again.');
        }
        const keepsTime = before.status !== 'cancelled';
        const collisions = again && keepsTime ? await findCollisions(tx, before, again) : [];
        const reasons = [...(again?.reschedulingReasons ?? []), ...collisions].sort();
        const flags = reasons.length > 0 && { needsRescheduling: true, reschedulingReasons: reasons };
        const after = nextVersion(before, { status: to, ...flags }, clock);
        const change = { action: 'stepped-back', before, after, reason, moved: false } as const;
        const statements = changesOf(tx, caller, change, write.traceparent);
        if (again && !keepsTime) {
          await reserve(tx, dialect, { holder: before, placement: again.placement, clock, alongside: statements });
        } else {
          await together(tx, dialect, statements);
        }
        return keepShown(tx, caller, after, write);
      });
    },
  };
}
