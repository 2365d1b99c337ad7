/** Appointments, with their reservations, history and events: what belongs together is written together. */
import {
  type Appointment,
  type Caller,
  type HistoryAction,
  type HistoryEntry,
  permit,
  Refusal,
  ROLES,
  STAFF,
} from '@daybook/contracts';
import {
  appendEvent,
  type Database,
  idFromBytes,
  idToBytes,
  isoFromMillis,
  newId,
  type SharedTables,
  type WriteContext,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { Transaction } from 'kysely';
import { checkCancellable, statusAfter } from '../domain/lifecycle.ts';
import type { AppointmentStore, Placement } from '../domain/ports.ts';
import { appointmentEvent, SOURCE } from '../events.ts';
import { toAppointment, toRow } from './appointment-row.ts';
import { readTakenSeats, release, reserve } from './reservations.ts';
import type { AppointmentTables } from './tables.ts';

type Tx = Transaction<AppointmentTables & SharedTables>;

const timesOf = ({ doctorId, start, end }: Appointment) => ({ doctorId, start, end });

const placed = ({ doctorId, timeZone, visit }: Placement) => ({
  // As ids are written here, however the request wrote it.
  doctorId: idFromBytes(idToBytes(doctorId)),
  timeZone,
  start: isoFromMillis(visit.start),
  end: isoFromMillis(visit.end),
});

/** A change of an appointment, on its way into history and events. */
interface Change {
  readonly action: HistoryAction;
  readonly before?: Appointment;
  readonly after: Appointment;
  readonly reason?: string;
  /** Whether time or doctor changed. */
  readonly moved: boolean;
}

async function writeDown(
  tx: Tx,
  caller: Caller,
  { action, before, after, reason, moved }: Change,
  write: WriteContext<Appointment>,
): Promise<void> {
  const entry: HistoryEntry = {
    at: after.updatedAt,
    by: { id: caller.id, role: caller.role },
    action,
    sequence: after.sequence,
    ...(moved && before && { from: timesOf(before) }),
    ...(moved && { to: timesOf(after) }),
    ...(reason !== undefined && { reason }),
  };
  const row = { appointment_id: idToBytes(after.id), version: after.version, entry: JSON.stringify(entry) };
  await tx.insertInto('appointment_history').values(row).execute();
  const event = appointmentEvent(action, after, moved && before ? timesOf(before) : undefined);
  const time = Temporal.Instant.from(after.updatedAt);
  await appendEvent(tx, event, { source: SOURCE, time, traceparent: write.traceparent });
  await write.keep(tx, after);
}

export function createAppointmentStore(database: Database<AppointmentTables>, clock: Clock): AppointmentStore {
  /** Reads one appointment to change it: nobody else can until the transaction ends. */
  async function lock(tx: Tx, id: string, write: WriteContext<Appointment>): Promise<Appointment> {
    const row = await tx
      .selectFrom('appointments')
      .selectAll()
      .where('id', '=', idToBytes(id))
      .$if(database.dialect.locksRows, (query) => query.forUpdate())
      .executeTakeFirst();
    if (!row) throw new Refusal('not-found', 'There is no such appointment.');
    write.checkVersion(row.version);
    return toAppointment(row);
  }

  /** Stores the next version of an appointment. */
  async function update(tx: Tx, before: Appointment, change: Partial<Appointment>): Promise<Appointment> {
    const after = { ...before, ...change, version: before.version + 1, updatedAt: clock().toString() };
    const { id, ...columns } = toRow(after);
    await tx.updateTable('appointments').set(columns).where('id', '=', id).execute();
    return after;
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
      return database.read((db) => readTakenSeats(db, query));
    },

    async book(caller, { placement, ...booking }, write) {
      permit(caller, STAFF);
      const at = clock().toString();
      const appointment: Appointment = {
        id: newId(),
        ...booking,
        patientId: idFromBytes(idToBytes(booking.patientId)),
        appointmentTypeId: idFromBytes(idToBytes(booking.appointmentTypeId)),
        ...placed(placement),
        status: 'booked',
        sequence: 0,
        version: 1,
        createdAt: at,
        updatedAt: at,
      };
      await database.write(async (tx) => {
        await reserve(tx, database.dialect, appointment.id, appointment.patientId, placement);
        await tx.insertInto('appointments').values(toRow(appointment)).execute();
        await writeDown(tx, caller, { action: 'booked', after: appointment, moved: true }, write);
      });
      return appointment;
    },

    async move(caller, id, placement, check, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lock(tx, id, write);
        check(before);
        const to = placed(placement);
        if (before.doctorId === to.doctorId && before.start === to.start && before.end === to.end) {
          await write.keep(tx, before);
          return before;
        }
        await release(tx, id);
        await reserve(tx, database.dialect, id, before.patientId, placement);
        const after = await update(tx, before, { ...to, sequence: before.sequence + 1 });
        await writeDown(tx, caller, { action: 'rescheduled', before, after, moved: true }, write);
        return after;
      });
    },

    async cancel(caller, id, { reason }, write) {
      permit(caller, STAFF);
      return database.write(async (tx) => {
        const before = await lock(tx, id, write);
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
        const before = await lock(tx, id, write);
        const status = statusAfter(step, before, clock());
        const after = await update(tx, before, { status });
        await writeDown(tx, caller, { action: status, before, after, moved: false }, write);
        return after;
      });
    },
  };
}
