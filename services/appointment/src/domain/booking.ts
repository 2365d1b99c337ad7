/** Booking and moving: ask who must be asked, apply the rules, let the database decide. */
import {
  type Appointment,
  type AppointmentType,
  type Caller,
  type NewAppointment,
  Refusal,
  type Reschedule,
} from '@daybook/contracts';
import type { WriteContext } from '@daybook/database';
import { findAlternatives, hasAlternatives } from './alternatives.ts';
import { type DoctorFacts, detailOf, doctorTimeAt, NOTHING_TAKEN, obstaclesAt, visitAt } from './booking-rules.ts';
import { checkMovable } from './lifecycle.ts';
import type { AppointmentTypes, Asking, BookingParts, Placement } from './ports.ts';
import { toMillis } from './time.ts';
import type { Wish } from './wish.ts';

async function findType(types: AppointmentTypes, caller: Caller, id: string): Promise<AppointmentType> {
  const type = await types.find(caller, id);
  if (!type) throw new Refusal('appointment-type-not-found', 'There is no such appointment type.');
  return type;
}

/**
 * Books an appointment.
 * @throws Refusal every one that `api.md` names for a booking, with alternatives where they help
 */
export async function bookAppointment(
  parts: BookingParts,
  caller: Caller,
  input: NewAppointment,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  const { directory, store, types } = parts;
  const asking = { caller, traceparent: write.traceparent };
  const type = await findType(types, caller, input.appointmentTypeId);
  const wish: Wish = { ...input, type, start: toMillis(input.start) };
  const [patient, doctor] = await Promise.all([
    directory.patient(input.patientId, asking),
    directory.doctor(input.doctorId, visitAt(wish.start, type), asking),
  ]);
  if (!patient) throw new Refusal('patient-not-found', 'There is no such patient.');
  if (!patient.active) throw new Refusal('patient-inactive', 'The patient is not active.');
  return withAlternatives(parts, wish, asking, () => {
    const placement = place(parts, wish, doctor);
    const { patientId, appointmentTypeId, reason } = input;
    return store.book(
      caller,
      { patientId, appointmentTypeId, ...(reason !== undefined && { reason }), placement },
      write,
    );
  });
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
  const { directory, store, types } = parts;
  const asking = { caller, traceparent: write.traceparent };
  const appointment = await store.find(caller, id);
  if (!appointment) throw new Refusal('not-found', 'There is no such appointment.');
  checkMovable(appointment);
  const type = await findType(types, caller, appointment.appointmentTypeId);
  const { patientId } = appointment;
  const doctorId = input.doctorId ?? appointment.doctorId;
  const wish: Wish = { patientId, doctorId, type, start: toMillis(input.start), moving: id };
  const doctor = await directory.doctor(doctorId, visitAt(wish.start, type), asking);
  const checkUnchanged = (stored: Appointment) => {
    checkMovable(stored);
    if (stored.version === appointment.version) return;
    throw new Refusal('changed-meanwhile', 'Somebody else changed the appointment: read it again.');
  };
  return withAlternatives(parts, wish, asking, () =>
    store.move(caller, id, place(parts, wish, doctor), checkUnchanged, write),
  );
}

/** Applies the rules that need no database; the reservation key applies the others. */
function place({ clock }: BookingParts, wish: Wish, doctor: DoctorFacts | undefined): Placement {
  if (!doctor) throw new Refusal('doctor-not-found', 'There is no such doctor.');
  const { type, start, doctorId } = wish;
  const now = clock().epochMilliseconds;
  const facts = { now, type, doctor, takenOfDoctor: NOTHING_TAKEN, takenOfPatient: NOTHING_TAKEN };
  const [obstacle] = obstaclesAt(start, facts);
  if (obstacle) throw new Refusal(obstacle, detailOf(obstacle));
  return {
    doctorId,
    timeZone: doctor.timeZone,
    visit: visitAt(start, type),
    doctorTime: doctorTimeAt(start, type),
    capacity: type.capacity,
  };
}

/** Runs `attempt`; a refusal that other times would help against gets them. */
async function withAlternatives<Result>(
  parts: BookingParts,
  wish: Wish,
  asking: Asking,
  attempt: () => Promise<Result> | Result,
): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof Refusal) || !hasAlternatives(error.code)) throw error;
    throw new Refusal(error.code, error.message, {
      ...error.extras,
      alternatives: await findAlternatives(parts, wish, asking),
    });
  }
}
