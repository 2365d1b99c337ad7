/** Booking, moving, changing and holding. */
import {
  type Appointment,
  type AppointmentPatch,
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
import { askingOf, type BookingParts, type CheckStored } from './ports.ts';
import { toMillis } from './time.ts';
import type { UntypedWish } from './wish.ts';

/**
 * Books an appointment.
 * @throws Refusal every one that `api.md` names for a booking, with alternatives where they help
 */
export async function bookAppointment(
  parts: BookingParts,
  caller: Caller,
  { patientId, doctorId, appointmentTypeId, start, reason, holdId, overbooking, walkIn }: NewAppointment,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  const asking = askingOf(caller, write);
  const wish: UntypedWish = { patientId, doctorId, appointmentTypeId, start: toMillis(start), holdId, walkIn };
  return takePlace(parts, wish, asking, overbooking, (placement) =>
    parts.store.book(caller, { patientId, reason, placement }, write),
  );
}

/**
 * Moves an appointment to another time, or to another doctor, perhaps as another type: the only way where its own is not in
 * use any more, since no slots of that are shown. To where it is already changes nothing.
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
    appointmentTypeId: input.appointmentTypeId ?? appointment.appointmentTypeId,
    start: toMillis(input.start),
    moving: id,
    holdId: input.holdId,
    walkIn: input.walkIn,
  };
  const { reason, overbooking } = input;
  const check = checkUnchangedSince(appointment);
  return takePlace(parts, wish, asking, overbooking, (placement) =>
    store.move(caller, id, { action: 'rescheduled', placement, check, reason }, write),
  );
}

const changedMeanwhile = () =>
  new Refusal('changed-meanwhile', 'Somebody else changed the appointment: read it again.');

const checkUnchangedSince =
  ({ version }: Appointment): CheckStored =>
  (stored) => {
    checkMovable(stored);
    if (stored.version !== version) throw changedMeanwhile();
  };

/**
 * Changes reason, note or type of an appointment. Another type is reserved in place of the old one, from the same start, by
 * all rules of a booking.
 * @throws Refusal as booking does, and `not-found`, `wrong-status`, `changed-meanwhile`
 */
export async function changeAppointment(
  parts: BookingParts,
  caller: Caller,
  id: string,
  { appointmentTypeId, ...patch }: AppointmentPatch,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  const { store } = parts;
  const wanted = appointmentTypeId?.toLowerCase();
  if (wanted === undefined) return store.change(caller, id, patch, () => undefined, write);
  const appointment = await store.find(caller, id);
  if (!appointment) throw new Refusal('not-found', 'There is no such appointment.');
  if (wanted === appointment.appointmentTypeId) {
    const check: CheckStored = (stored) => {
      if (stored.appointmentTypeId !== wanted) throw changedMeanwhile();
    };
    return store.change(caller, id, patch, check, write);
  }
  checkMovable(appointment);
  const { patientId, doctorId, start } = appointment;
  const wish: UntypedWish = { patientId, doctorId, appointmentTypeId: wanted, start: toMillis(start), moving: id };
  const check = checkUnchangedSince(appointment);
  return takePlace(parts, wish, askingOf(caller, write), undefined, (placement) =>
    store.move(caller, id, { action: 'updated', placement, check, patch }, write),
  );
}

/**
 * Keeps a slot for a few minutes.
 * @throws Refusal as booking does, but none about a patient; `too-many-holds`
 */
export async function holdSlot(
  parts: BookingParts,
  caller: Caller,
  { doctorId, appointmentTypeId, start, walkIn }: NewHold,
  write: WriteContext<Hold>,
): Promise<Hold> {
  const asking = askingOf(caller, write);
  const wish: UntypedWish = { doctorId, appointmentTypeId, start: toMillis(start), walkIn };
  return takePlace(parts, wish, asking, undefined, (placement) => parts.holds.add(caller, placement, write));
}
