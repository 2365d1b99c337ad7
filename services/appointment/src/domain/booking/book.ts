/** Books, reschedules, changes and holds appointments. */
import {
  type Appointment,
  type AppointmentPatch,
  type Hold,
  type NewAppointment,
  type NewHold,
  notFound,
  Refusal,
  type Reschedule,
  toMillis,
  type VerifiedCaller,
} from '@daybook/contracts';
import { type BookingDependencies, type CheckStored, requestContextOf, type WriteContext } from '../ports.ts';
import type { UntypedBookingRequest } from './booking-request.ts';
import { checkMovable, checkWithinDeadline } from './lifecycle.ts';
import { permitParticipants, permitPatch } from './permissions.ts';
import { findType, reserveSlot } from './reserve-slot.ts';

/**
 * Books an appointment.
 * @throws Refusal each of `BOOKING_REFUSALS`, with alternatives where they help; `forbidden`, `hold-expired`
 */
export async function bookAppointment(
  dependencies: BookingDependencies,
  caller: VerifiedCaller,
  { patientId, doctorId, appointmentTypeId, start, reason, holdId, overbooking, walkIn }: NewAppointment,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  permitParticipants(caller, { patientId, doctorId });
  const context = requestContextOf(caller, write);
  const request: UntypedBookingRequest = {
    patientId,
    doctorId,
    appointmentTypeId,
    start: toMillis(start),
    holdId,
    walkIn,
  };
  return reserveSlot(dependencies, request, context, overbooking, (placement) =>
    dependencies.store.book(caller, { patientId, reason, placement }, write),
  );
}

/**
 * Moves an appointment to another time or doctor, perhaps as another type.
 * An appointment of an inactive type can move only as another type, because an inactive type has no slots.
 * A move to the present time and doctor changes nothing.
 * @throws Refusal as booking does, and `not-found`, `wrong-status`, `changed-meanwhile`, `past-cancellation-deadline`
 */
export async function rescheduleAppointment(
  dependencies: BookingDependencies,
  caller: VerifiedCaller,
  id: string,
  input: Reschedule,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  permitParticipants(caller, { doctorId: input.doctorId });
  const { store, types, clock } = dependencies;
  const context = requestContextOf(caller, write);
  const appointment = await store.find(caller, id);
  if (!appointment) throw notFound('appointment');
  checkMovable(appointment);
  // The store checks it again with the stored facts. This refusal comes before those about the new time.
  const type = await findType(types, caller, appointment.appointmentTypeId);
  checkWithinDeadline(appointment, caller, type.cancellationDeadlineMinutes, clock(), 'move');
  const request: UntypedBookingRequest = {
    patientId: appointment.patientId,
    doctorId: input.doctorId ?? appointment.doctorId,
    appointmentTypeId: input.appointmentTypeId ?? appointment.appointmentTypeId,
    start: toMillis(input.start),
    reschedulingId: id,
    holdId: input.holdId,
    walkIn: input.walkIn,
  };
  const { reason, overbooking } = input;
  const check = checkUnchangedSince(appointment);
  return reserveSlot(dependencies, request, context, overbooking, (placement) =>
    store.move(caller, id, { action: 'rescheduled', placement, check, reason }, write),
  );
}

const changedMeanwhile = () =>
  new Refusal('changed-meanwhile', 'The appointment changed after it was read. Read it again and retry.');

const checkUnchangedSince =
  ({ version }: Appointment): CheckStored =>
  (stored) => {
    checkMovable(stored);
    if (stored.version !== version) throw changedMeanwhile();
  };

/**
 * Changes reason, note or type of an appointment.
 * Another type is reserved in place of the old one, from the same start, under all rules of a booking.
 * @throws Refusal as booking does, and `not-found`, `wrong-status`, `changed-meanwhile`
 */
export async function changeAppointment(
  dependencies: BookingDependencies,
  caller: VerifiedCaller,
  id: string,
  requested: AppointmentPatch,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  permitPatch(caller, requested);
  const { appointmentTypeId, ...patch } = requested;
  const { store } = dependencies;
  const wanted = appointmentTypeId?.toLowerCase();
  if (wanted === undefined) return store.change(caller, id, patch, () => undefined, write);
  const appointment = await store.find(caller, id);
  if (!appointment) throw notFound('appointment');
  if (wanted === appointment.appointmentTypeId) {
    const check: CheckStored = (stored) => {
      if (stored.appointmentTypeId !== wanted) throw changedMeanwhile();
    };
    return store.change(caller, id, patch, check, write);
  }
  checkMovable(appointment);
  const { patientId, doctorId, start } = appointment;
  const request: UntypedBookingRequest = {
    patientId,
    doctorId,
    appointmentTypeId: wanted,
    start: toMillis(start),
    reschedulingId: id,
  };
  const check = checkUnchangedSince(appointment);
  return reserveSlot(dependencies, request, requestContextOf(caller, write), undefined, (placement) =>
    store.move(caller, id, { action: 'updated', placement, check, patch }, write),
  );
}

/**
 * Holds a slot for a few minutes.
 * @throws Refusal as booking does, but none about a patient; `too-many-holds`
 */
export async function holdSlot(
  dependencies: BookingDependencies,
  caller: VerifiedCaller,
  { doctorId, appointmentTypeId, start, walkIn }: NewHold,
  write: WriteContext<Hold>,
): Promise<Hold> {
  permitParticipants(caller, { doctorId });
  const context = requestContextOf(caller, write);
  const request: UntypedBookingRequest = { doctorId, appointmentTypeId, start: toMillis(start), walkIn };
  return reserveSlot(dependencies, request, context, undefined, (placement) =>
    dependencies.holds.add(caller, placement, write),
  );
}
