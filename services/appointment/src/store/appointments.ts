/** Appointments, with their reservations, history and events: what belongs together is written together. */
import { type Appointment, permit, Refusal, ROLES, STAFF } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis, newId, type WriteContext } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { checkCancellable, statusAfter } from '../domain/lifecycle.ts';
import type { AppointmentStore, NewBooking, Placement } from '../domain/ports.ts';
import { toAppointment, toRow } from './appointment-row.ts';
import { type Tx, writeDown } from './change.ts';
import { useHold } from './holds.ts';
import { lockPersons } from './person-versions.ts';
import { readTakenSeats, release, reserve } from './reservations.ts';
import type { AppointmentTables } from './tables.ts';

const placed = ({ doctorId, timeZone, visit }: Placement) => ({
  // As ids are written here, however the request wrote it.
  doctorId: idFromBytes(idToBytes(doctorId)),
  timeZone,
  start: isoFromMillis(visit.start),
  end: isoFromMillis(visit.end),
});

function newAppointment({ patientId, appointmentTypeId, reason, placement }: NewBooking, at: string): Appointment {
  return {
    id: newId(),
    patientId: idFromBytes(idToBytes(patientId)),
    appointmentTypeId: idFromBytes(idToBytes(appointmentTypeId)),
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

/** What one transaction needs to read one appointment, change it, and take time for it. */
export function createAppointmentChanges({ dialect }: Database<AppointmentTables>, clock: Clock) {
  async function giveBackHold(tx: Tx, callerId: string, placement: Placement): Promise<void> {
    if (placement.holdId === undefined) return;
    await useHold(tx, dialect, callerId, placement.holdId, placement, clock().epochMilliseconds);
  }

  return {
    /** Reads one appointment to change it: nobody else can until the transaction ends. */
    async lock(tx: Tx, id: string, checkVersion: WriteContext<Appointment>['checkVersion']): Promise<Appointment> {
      const row = await tx
        .selectFrom('appointments')
        .selectAll()
        .where('id', '=', idToBytes(id))
        .$if(dialect.locksRows, (query) => query.forUpdate())
        .executeTakeFirst();
      if (!row) throw new Refusal('not-found', 'There is no such appointment.');
      checkVersion(row.version);
      return toAppointment(row);
    },

    /** Stores the next version of an appointment. It needs no rescheduling, unless the change says so. */
    async update(tx: Tx, before: Appointment, change: Partial<Appointment>): Promise<Appointment> {
      const { reschedulingReasons: _, ...rest } = before;
      const version = before.version + 1;
      const after = { ...rest, needsRescheduling: false, ...change, version, updatedAt: clock().toString() };
      const { id, ...columns } = toRow(after);
      await tx.updateTable('appointments').set(columns).where('id', '=', id).execute();
      return after;
    },

    giveBackHold,

    /** Before time is given back or taken. @throws StaleFacts */
    lockPersons: (tx: Tx, placement: Placement) => lockPersons(tx, dialect, placement),

    /** Takes the time of doctor and patient. @throws Refusal `slot-taken`, `patient-busy`, `hold-expired` */
    async take(tx: Tx, callerId: string, holder: { id: string; patientId: string }, placement: Placement) {
      await giveBackHold(tx, callerId, placement);
      await reserve(tx, dialect, holder, placement, clock().epochMilliseconds);
    },
  };
}

export function createAppointmentStore(database: Database<AppointmentTables>, clock: Clock): AppointmentStore {
  const { lock, update, lockPersons, take, giveBackHold } = createAppointmentChanges(database, clock);

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
      const { overbooking } = booking.placement;
      await database.write(async (tx) => {
        await lockPersons(tx, booking.placement);
        await take(tx, caller.id, after, booking.placement);
        await tx.insertInto('appointments').values(toRow(after)).execute();
        const trace = { reason: overbooking?.reason, overbooked: overbooking !== undefined };
        await writeDown(tx, caller, { action: 'booked', after, moved: true, ...trace }, write);
      });
      return after;
    },

    async move(caller, id, placement, check, write) {
      permit(caller, STAFF);
      const { overbooking } = placement;
      return database.write(async (tx) => {
        const before = await lock(tx, id, write.checkVersion);
        check(before);
        const to = placed(placement);
        if (before.doctorId === to.doctorId && before.start === to.start && before.end === to.end) {
          await giveBackHold(tx, caller.id, placement);
          await write.keep(tx, before);
          return before;
        }
        await lockPersons(tx, placement);
        await release(tx, id);
        await take(tx, caller.id, before, placement);
        const after = await update(tx, before, { ...to, sequence: before.sequence + 1 });
        const trace = { reason: overbooking?.reason, overbooked: overbooking !== undefined };
        await writeDown(tx, caller, { action: 'rescheduled', before, after, moved: true, ...trace }, write);
        return after;
      });
    },

    async cancel(caller, id, { reason }, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lock(tx, id, write.checkVersion);
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
        await release(tx, id);
        const after = await update(tx, before, { status: 'cancelled' });
        await writeDown(tx, caller, { action: 'cancelled', before, after, reason, moved: false }, write);
        return after;
      });
    },

    async take(caller, id, step, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lock(tx, id, write.checkVersion);
        const status = statusAfter(step, before, clock());
        const after = await update(tx, before, { status });
        await writeDown(tx, caller, { action: status, before, after, moved: false }, write);
        return after;
      });
    },
  };
}
