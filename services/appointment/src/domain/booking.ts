/** Booking and moving: ask who must be asked, apply the rules, let the database decide. */
import {
  type Appointment,
  type AppointmentType,
  type Caller,
  MAX_SLOT_DAYS,
  type NewAppointment,
  type ProblemCode,
  problems,
  Refusal,
  type Reschedule,
  type Slot,
} from '@daybook/contracts';
import type { WriteContext } from '@daybook/database';
import { type BookingFacts, type DoctorFacts, doctorTimeAt, obstaclesAt, visitAt } from './booking-rules.ts';
import type { Interval } from './grid.ts';
import { checkMovable } from './lifecycle.ts';
import type { AppointmentStore, AppointmentTypes, Asking, Directory, Placement } from './ports.ts';
import { nearestSlots } from './slots.ts';
import { DAY, toMillis } from './time.ts';

export interface BookingParts {
  readonly directory: Directory;
  readonly store: AppointmentStore;
  readonly types: AppointmentTypes;
  readonly clock: () => Temporal.Instant;
}

const ALTERNATIVES = 5;
/** Looked at first, and then, when it holds too few free slots. Both within what the doctor service answers at once. */
const SEARCH_DAYS = [14, MAX_SLOT_DAYS];
const NOTHING_TAKEN: ReadonlyMap<number, number> = new Map();

/** The refusals that come with the nearest free slots. */
const WITH_ALTERNATIVES: readonly ProblemCode[] = ['slot-taken', 'patient-busy', 'outside-availability', 'too-soon'];

/** What is wished for, and by whom. */
interface Wish {
  readonly patientId: string;
  readonly doctorId: string;
  readonly type: AppointmentType;
  readonly start: number;
  /** The appointment that is to be moved; its own time counts as free. */
  readonly moving?: string;
}

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
  if (obstacle) throw new Refusal(obstacle, `${problems[obstacle].title}.`);
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
    if (!(error instanceof Refusal) || !WITH_ALTERNATIVES.includes(error.code)) throw error;
    throw new Refusal(error.code, error.message, {
      ...error.extras,
      alternatives: await findAlternatives(parts, wish, asking),
    });
  }
}

/** The free slots nearest to what was wished, that this patient can have; none when they cannot be looked up now. */
async function findAlternatives(parts: BookingParts, wish: Wish, asking: Asking): Promise<Slot[]> {
  try {
    return await searchAlternatives(parts, wish, asking);
  } catch (error) {
    // The refusal is true all the same.
    if (error instanceof Refusal && error.code === 'part-unavailable') return [];
    throw error;
  }
}

async function searchAlternatives(parts: BookingParts, wish: Wish, asking: Asking): Promise<Slot[]> {
  const now = parts.clock().epochMilliseconds;
  const around = Math.max(wish.start, now);
  let slots: Slot[] = [];
  for (const days of SEARCH_DAYS) {
    const start = Math.max(now, around - (days * DAY) / 2);
    const facts = await readFacts(parts, wish, { start, end: start + days * DAY }, asking);
    slots = facts ? nearestSlots(wish.start, facts, ALTERNATIVES) : [];
    if (slots.length === ALTERNATIVES) break;
  }
  return slots;
}

/** All that the rules need about a range; undefined when there is no such doctor. */
async function readFacts(
  { directory, store, clock }: BookingParts,
  { patientId, doctorId, type, moving }: Wish,
  range: Interval,
  asking: Asking,
): Promise<BookingFacts | undefined> {
  const margin = { start: range.start - DAY, end: range.end + DAY };
  const [doctor, takenOfDoctor, takenOfPatient] = await Promise.all([
    directory.doctor(doctorId, range, asking),
    store.takenSeats(asking.caller, { resourceId: doctorId, range: margin, except: moving }),
    store.takenSeats(asking.caller, { resourceId: patientId, range: margin, except: moving }),
  ]);
  return doctor && { now: clock().epochMilliseconds, type, doctor, takenOfDoctor, takenOfPatient };
}
