/** The request for a visit (booking, move, hold or explanation), its facts, and the rules that it breaks. */
import { type Hold, type ProblemCode, toMillis, type VerifiedCaller } from '@daybook/contracts';
import type { BookingDependencies, PlacedType, RequestContext, SeatReads } from '../ports.ts';
import type { Interval } from '../slots/grid.ts';
import {
  type BookingFacts,
  type DoctorFacts,
  doctorTimeAt,
  NOTHING_TAKEN,
  type PatientFacts,
  RULE_CODES,
  type TypeRules,
  violationsAt,
  visitAt,
} from './rules.ts';

export interface BookingRequest {
  /** Left out when the patient does not matter. */
  readonly patientId?: string | undefined;
  readonly doctorId: string;
  readonly type: TypeRules;
  readonly start: number;
  /** The appointment to move; its own time counts as free. */
  readonly reschedulingId?: string | undefined;
  /** The hold to use; its time counts as free. */
  readonly holdId?: string | undefined;
  /** Whether the visit may start in the current five minutes without notice. */
  readonly walkIn?: boolean | undefined;
}

/** A request for time that can be reserved. */
export interface TypedBookingRequest extends BookingRequest {
  readonly type: TypeRules & PlacedType;
}

/** A request before its appointment type was read. */
export interface UntypedBookingRequest extends Omit<BookingRequest, 'type'> {
  readonly appointmentTypeId: string;
}

/** Replaces a doctor that does not exist, so that the rules about other things still apply. */
const UNRESTRICTED_DOCTOR: Omit<DoctorFacts, 'id'> = {
  version: 0,
  timeZone: 'UTC',
  active: true,
  offers: undefined,
  open: [{ start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }],
};

/** The facts about a request. A patient or a hold is included only when the request names one. */
export interface LoadedFacts extends Pick<BookingFacts, 'takenOfDoctor' | 'takenOfPatient'> {
  readonly patient: PatientFacts | undefined;
  readonly doctor: DoctorFacts | undefined;
  readonly hold: Hold | undefined;
}

/** Returns the seats of doctor and patient that are taken in a range. */
export async function readTaken(
  seats: SeatReads,
  { doctorId, patientId, reschedulingId, holdId }: BookingRequest,
  range: Interval,
  { caller }: RequestContext,
): Promise<Pick<BookingFacts, 'takenOfDoctor' | 'takenOfPatient'>> {
  const taken = await seats.taken(caller, {
    resourceIds: patientId === undefined ? [doctorId] : [doctorId, patientId],
    range,
    exceptHolders: [reschedulingId, holdId].filter((id) => id !== undefined),
  });
  return {
    takenOfDoctor: taken.get(doctorId) ?? NOTHING_TAKEN,
    takenOfPatient: (patientId === undefined ? undefined : taken.get(patientId)) ?? NOTHING_TAKEN,
  };
}

/** Loads all facts about the request concurrently. */
export async function loadFacts(
  { participants, seats, holds }: BookingDependencies,
  request: BookingRequest,
  context: RequestContext,
): Promise<LoadedFacts> {
  const { patientId, doctorId, type, start, holdId } = request;
  const [patient, doctor, hold, taken] = await Promise.all([
    patientId === undefined ? undefined : participants.findPatient(patientId, context),
    participants.findDoctor(doctorId, visitAt(start, type), context),
    holdId === undefined ? undefined : holds.find(context.caller, holdId),
    readTaken(seats, request, doctorTimeAt(start, type), context),
  ]);
  return { patient, doctor, hold, ...taken };
}

/** Returns whether a hold reserves exactly the requested time. */
export const holdMatches = (
  hold: Hold | undefined,
  { doctorId, start }: Pick<BookingRequest, 'doctorId' | 'start'>,
): boolean => hold !== undefined && hold.doctorId === doctorId.toLowerCase() && toMillis(hold.start) === start;

/** The refusals of a request without a patient, as for a hold. */
export const SLOT_REFUSALS: readonly ProblemCode[] = [
  'appointment-type-not-found',
  'doctor-not-found',
  ...RULE_CODES.filter((code) => code !== 'patient-busy'),
];

/** The refusals of a request with a patient. */
export const BOOKING_REFUSALS: readonly ProblemCode[] = [
  'patient-not-found',
  'patient-inactive',
  'patient-busy',
  'too-many-appointments',
  ...SLOT_REFUSALS,
];

/** Returns whether a doctor does not exist for a caller: patients do not see inactive doctors. */
export const isHidden = (doctor: DoctorFacts | undefined, { role }: Pick<VerifiedCaller, 'role'>): boolean =>
  doctor === undefined || (role === 'patient' && !doctor.active);

/** Returns the codes as a caller may see them. To patients a time is free or taken, whether the doctor works or not. */
const visibleCodes = (codes: readonly ProblemCode[], { role }: Pick<VerifiedCaller, 'role'>): ProblemCode[] =>
  role === 'patient'
    ? [...new Set(codes.map((code) => (code === 'outside-availability' ? 'slot-taken' : code)))]
    : [...codes];

/** Returns every rule that a request breaks as its caller may see them, the one to report first in front. */
export function violationsOf(
  request: BookingRequest,
  loaded: LoadedFacts,
  now: number,
  caller: Pick<VerifiedCaller, 'role'>,
): ProblemCode[] {
  const { patient, hold, takenOfPatient } = loaded;
  const doctor = isHidden(loaded.doctor, caller) ? undefined : loaded.doctor;
  const taken = { takenOfPatient, takenOfDoctor: doctor ? loaded.takenOfDoctor : NOTHING_TAKEN };
  const { patientId, doctorId, type, start, holdId, walkIn } = request;
  const violations: ProblemCode[] = [];
  if (patientId !== undefined && !patient) violations.push('patient-not-found');
  if (patient && !patient.active) violations.push('patient-inactive');
  if (!doctor) violations.push('doctor-not-found');
  if (holdId !== undefined && !holdMatches(hold, request)) violations.push('hold-expired');
  const facts = { now, type, doctor: doctor ?? { id: doctorId, ...UNRESTRICTED_DOCTOR }, walkIn, ...taken };
  return visibleCodes([...violations, ...violationsAt(start, facts)], caller);
}
