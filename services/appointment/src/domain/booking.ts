/** Booking, moving and holding. */
import {
  type Appointment,
  type Caller,
  type Hold,
  type NewAppointment,
  type NewHold,
  Refusal,
  type Reschedule,
} from '@daybook/contracts';
import type { WriteContext } from '@daybook/database';
import { checkMovable } from './lifecycle.ts';
import { takePlace } from './placing.ts';
import { askingOf, type BookingParts } from './ports.ts';
import { toMillis } from './time.ts';
import type { UntypedWish } from './wish.ts';

/**
 * Books an appointment.
 * @throws Refusal every one that `api.md` names for a booking, with alternatives where they help
 */
export async function bookAppointment(
  parts: BookingParts,
  caller: Caller,
  { patientId, doctorId, appointmentTypeId, start, reason, holdId, overbooking }: NewAppointment,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  const asking = askingOf(caller, write);
  const wish: UntypedWish = { patientId, doctorId, appointmentTypeId, start: toMillis(start), holdId };
  return takePlace(parts, wish, asking, overbooking, (placement) =>
    parts.store.book(caller, { patientId, reason, placement }, write),
  );
}

/**
 * Moves an appointment to another time, or to another doctor. To where it is already changes nothing.
 * @throws Refusal as booking does, and `not-found`, `wrong-status`, `changed-meanwhile`
 */
export async function rescheduleAppointment(
  parts: BookingParts,
  caller: Caller,
  id: string,
  input: Reschedule,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  const { store } = parts;
  const asking = askingOf(caller, write);
  const appointment = await store.find(caller, id);
  if (!appointment) throw new Refusal('not-found', 'There is no such appointment.');
  checkMovable(appointment);
  const wish: UntypedWish = {
    patientId: appointment.patientId,
    doctorId: input.doctorId ?? appointment.doctorId,
    appointmentTypeId: appointment.appointmentTypeId,
    start: toMillis(input.start),
    moving: id,
    holdId: input.holdId,
  };
  const checkUnchanged = (stored: Appointment) => {
    checkMovable(stored);
    if (stored.version === appointment.version) return;
    throw new Refusal('changed-meanwhile', 'Somebody else changed the appointment: read it again.');
  };
  return takePlace(parts, wish, asking, input.overbooking, (placement) =>
    store.move(caller, id, placement, checkUnchanged, write),
  );
}

/**
 * Keeps a slot for a few minutes.
 * @throws Refusal as booking does, but none about a patient; `too-many-holds`
 */
export async function holdSlot(
  parts: BookingParts,
  caller: Caller,
  { doctorId, appointmentTypeId, start }: NewHold,
  write: WriteContext<Hold>,
): Promise<Hold> {
  const asking = askingOf(caller, write);
  const wish: UntypedWish = { doctorId, appointmentTypeId, start: toMillis(start) };
  return takePlace(parts, wish, asking, undefined, (placement) => parts.holds.add(caller, placement, write));
}
