/** Appointments, with their reservations, history and events: what belongs together is written together. */
import { type Appointment, permit, ROLES, STAFF } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis, newId, together } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { checkCancellable, statusAfter } from '../domain/lifecycle.ts';
import type { AppointmentStore, NewBooking, Placement } from '../domain/ports.ts';
import { toAppointment, toRow } from './appointment-row.ts';
import { changesOf, lockAppointment, nextVersion, recordsOf, type Tx } from './change.ts';
import { useHold } from './holds.ts';
import { readTakenSeats, releaseOf, reserve } from './reservations.ts';
import type { AppointmentTables } from './tables.ts';

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

/** What history says of an appointment that is beside others on purpose. */
const overbookedBy = ({ overbooking }: Placement) => ({
  reason: overbooking?.reason,
  overbooked: overbooking !== undefined,
});

export function createAppointmentStore(database: Database<AppointmentTables>, clock: Clock): AppointmentStore {
  const { dialect } = database;

  async function giveBackHold(tx: Tx, callerId: string, placement: Placement): Promise<void> {
    if (placement.holdId === undefined) return;
    await useHold(tx, dialect, callerId, placement.holdId, placement, clock().epochMilliseconds);
  }

  return {
    async find(caller, id) {
      permit(caller, STAFF);
      const row = await database.read((db) =>
        db.selectFrom('appointments').selectAll().where('id', '=', idToBytes(id)).executeTakeFirst(),
      );
      return row && toAppointment(row);
    },

    async takenSeats(caller, query) {
      permit(caller, ROLES);
      return database.read((db) => readTakenSeats(db, database.dialect, query, clock().epochMilliseconds));
    },

    async book(caller, booking, write) {
      permit(caller, STAFF);
      const after = newAppointment(booking, clock().toString());
      const { placement } = booking;
      const change = { action: 'booked', after, moved: true, ...overbookedBy(placement) } as const;
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

    async move(caller, id, placement, check, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, id, write.checkVersion);
        check(before);
        const to = placed(placement);
        if (before.doctorId === to.doctorId && before.start === to.start && before.end === to.end) {
          await giveBackHold(tx, caller.id, placement);
          await write.keep(tx, before);
          return before;
        }
        const after = nextVersion(before, { ...to, sequence: before.sequence + 1 }, clock);
        const change = { action: 'rescheduled', before, after, moved: true, ...overbookedBy(placement) } as const;
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
        await write.keep(tx, after);
        return after;
      });
    },

    async cancel(caller, id, { reason }, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lockAppointment(tx, dialect, id, write.checkVersion);
        if (before.status === 'cancelled') {
          await write.keep(tx, before);
          return before;
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
        await write.keep(tx, after);
        return after;
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
        await write.keep(tx, after);
        return after;
      });
    },
  };
}
