/** A request for a visit: what a booking, a move, a hold or a question is about, and what stands in its way now. */
import type { Hold, ProblemCode } from '@daybook/contracts';
import type { AppointmentStore, BookingDependencies, PlacedType, RequestContext } from '../ports.ts';
import type { Interval } from '../slots/grid.ts';
import { toMillis } from '../time.ts';
import {
  type BookingFacts,
  type DoctorFacts,
  doctorTimeAt,
  NOTHING_TAKEN,
  type PatientFacts,
  type TypeRules,
  violationsAt,
  visitAt,
} from './rules.ts';

export interface BookingRequest {
  /** Left out when it does not matter who comes. */
  readonly patientId?: string | undefined;
  readonly doctorId: string;
  readonly type: TypeRules;
  readonly start: number;
  /** The appointment that is to be moved; its own time counts as free. */
  readonly reschedulingId?: string | undefined;
  /** The hold that is to be used; its time counts as free. */
  readonly holdId?: string | undefined;
  /** Whether it may take the running five minutes without notice. */
  readonly walkIn?: boolean | undefined;
}

/** A request for something that can be reserved. */
export interface TypedBookingRequest extends BookingRequest {
  readonly type: TypeRules & PlacedType;
}

/** The same before its appointment type was read. */
export interface UntypedBookingRequest extends Omit<BookingRequest, 'type'> {
  readonly appointmentTypeId: string;
}

/** Stands in for a doctor who is not there: the rules that are not about the doctor can still be applied. */
const UNRESTRICTED_DOCTOR: Omit<DoctorFacts, 'id'> = {
  version: 0,
  timeZone: 'UTC',
  active: true,
  offers: undefined,
  open: [{ start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }],
};

/** What is known about a request; of a patient or a hold only when one is named. */
export interface LoadedFacts extends Pick<BookingFacts, 'takenOfDoctor' | 'takenOfPatient'> {
  readonly patient: PatientFacts | undefined;
  readonly doctor: DoctorFacts | undefined;
  readonly hold: Hold | undefined;
}

/** What doctor and patient have in a range already. */
export async function readTaken(
  store: AppointmentStore,
  { doctorId, patientId, reschedulingId, holdId }: BookingRequest,
  range: Interval,
  { caller }: RequestContext,
): Promise<Pick<BookingFacts, 'takenOfDoctor' | 'takenOfPatient'>> {
  const taken = await store.takenSeats(caller, {
    resourceIds: patientId === undefined ? [doctorId] : [doctorId, patientId],
    range,
    exceptHolders: [reschedulingId, holdId].filter((id) => id !== undefined),
  });
  return {
    takenOfDoctor: taken.get(doctorId) ?? NOTHING_TAKEN,
    takenOfPatient: (patientId === undefined ? undefined : taken.get(patientId)) ?? NOTHING_TAKEN,
  };
}

/** Asks all who know something about the request, at once. */
export async function loadFacts(
  { participants, store, holds }: BookingDependencies,
  request: BookingRequest,
  context: RequestContext,
): Promise<LoadedFacts> {
  const { patientId, doctorId, type, start, holdId } = request;
  const [patient, doctor, hold, taken] = await Promise.all([
    patientId === undefined ? undefined : participants.findPatient(patientId, context),
    participants.findDoctor(doctorId, visitAt(start, type), context),
    holdId === undefined ? undefined : holds.find(context.caller, holdId),
    readTaken(store, request, doctorTimeAt(start, type), context),
  ]);
  return { patient, doctor, hold, ...taken };
}

/** Whether a hold keeps just what is wished. */
export const isFor = (
  hold: Hold | undefined,
  { doctorId, start }: Pick<BookingRequest, 'doctorId' | 'start'>,
): boolean => hold !== undefined && hold.doctorId === doctorId.toLowerCase() && toMillis(hold.start) === start;

/** Every rule that stands in the way of a request, the one to name first in front. */
export function violationsOf(
  request: BookingRequest,
  { patient, doctor, hold, ...taken }: LoadedFacts,
  now: number,
): ProblemCode[] {
  const { patientId, doctorId, type, start, holdId, walkIn } = request;
  const violations: ProblemCode[] = [];
  if (patientId !== undefined && !patient) violations.push('patient-not-found');
  if (patient && !patient.active) violations.push('patient-inactive');
  if (!doctor) violations.push('doctor-not-found');
  if (holdId !== undefined && !isFor(hold, request)) violations.push('hold-expired');
  const facts = { now, type, doctor: doctor ?? { id: doctorId, ...UNRESTRICTED_DOCTOR }, walkIn, ...taken };
  return [...violations, ...violationsAt(start, facts)];
}
