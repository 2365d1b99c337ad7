/**
 * Explains a start: whether it can be booked, and if not, every rule that stands in the way. It asks those whom a booking
 * asks and applies the same rules, in the order in which a booking is refused. It writes nothing.
 */
import {
  GRID_MINUTES,
  type ProblemCode,
  permit,
  ROLES,
  type SlotExplanation,
  type SlotExplanationQuery,
  STAFF,
} from '@daybook/contracts';
import { findAlternatives, hasAlternatives } from './alternatives.ts';
import {
  type BookingFacts,
  type DoctorFacts,
  detailOf,
  doctorTimeAt,
  obstaclesAt,
  type TypeRules,
  visitAt,
} from './booking-rules.ts';
import type { Asking, BookingParts } from './ports.ts';
import { toMillis } from './time.ts';
import { readTaken, type Wish } from './wish.ts';

/** Stands in for a type that is not there: what is refused even to it, every type refuses. */
const UNDEMANDING_TYPE: TypeRules = {
  durationMinutes: GRID_MINUTES,
  bufferBeforeMinutes: 0,
  bufferAfterMinutes: 0,
  minimumNoticeMinutes: 0,
  planningHorizonDays: Number.POSITIVE_INFINITY,
  capacity: Number.POSITIVE_INFINITY,
  active: true,
};

/** Stands in for a doctor who is not there: the rules that are not about the doctor can still be applied. */
const TIRELESS_DOCTOR: Omit<DoctorFacts, 'id'> = {
  timeZone: 'UTC',
  active: true,
  open: [{ start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }],
};

/** What the other parts know; of a patient only when one is named. */
interface Found extends Pick<BookingFacts, 'takenOfDoctor' | 'takenOfPatient'> {
  readonly patient: { active: boolean } | undefined;
  readonly doctor: DoctorFacts | undefined;
}

async function look({ directory, store }: BookingParts, wish: Wish, asking: Asking): Promise<Found> {
  const { patientId, doctorId, type, start } = wish;
  const [patient, doctor, taken] = await Promise.all([
    patientId === undefined ? undefined : directory.patient(patientId, asking),
    directory.doctor(doctorId, visitAt(start, type), asking),
    readTaken(store, wish, doctorTimeAt(start, type), asking),
  ]);
  return { patient, doctor, ...taken };
}

function obstaclesOf(
  { patientId, doctorId, type, start }: Wish,
  { patient, doctor, ...taken }: Found,
  now: number,
): ProblemCode[] {
  const obstacles: ProblemCode[] = [];
  if (patientId !== undefined && !patient) obstacles.push('patient-not-found');
  if (patient && !patient.active) obstacles.push('patient-inactive');
  if (!doctor) obstacles.push('doctor-not-found');
  const facts = { now, type, doctor: doctor ?? { id: doctorId, ...TIRELESS_DOCTOR }, ...taken };
  return [...obstacles, ...obstaclesAt(start, facts)];
}

/** @throws Refusal `forbidden`, `part-unavailable`; whatever a booking is refused for is a reason of the answer instead */
export async function explainStart(
  parts: BookingParts,
  { doctorId, patientId, appointmentTypeId, start }: SlotExplanationQuery,
  asking: Asking,
): Promise<SlotExplanation> {
  // When a patient is busy is for those who may book for the patient.
  permit(asking.caller, patientId === undefined ? ROLES : STAFF);
  const type = await parts.types.find(asking.caller, appointmentTypeId);
  const wish: Wish = { patientId, doctorId, type: type ?? UNDEMANDING_TYPE, start: toMillis(start) };
  const found = await look(parts, wish, asking);
  const obstacles = obstaclesOf(wish, found, parts.clock().epochMilliseconds);
  if (!type) obstacles.unshift('appointment-type-not-found');
  const [first] = obstacles;
  return {
    bookable: first === undefined,
    reasons: obstacles.map((code) => ({ code, detail: detailOf(code) })),
    alternatives: first && hasAlternatives(first) ? await findAlternatives(parts, wish, asking) : [],
  };
}
