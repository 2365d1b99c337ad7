/** A wish for a visit: what a booking, a move, a hold or a question is about, and what stands in its way now. */
import type { Hold, ProblemCode } from '@daybook/contracts';
import {
  type BookingFacts,
  type DoctorFacts,
  doctorTimeAt,
  NOTHING_TAKEN,
  obstaclesAt,
  type PatientFacts,
  type TypeRules,
  visitAt,
} from './booking-rules.ts';
import type { Interval } from './grid.ts';
import type { AppointmentStore, Asking, BookingParts, PlacedType } from './ports.ts';
import { toMillis } from './time.ts';

export interface Wish {
  /** Left out when it does not matter who comes. */
  readonly patientId?: string | undefined;
  readonly doctorId: string;
  readonly type: TypeRules;
  readonly start: number;
  /** The appointment that is to be moved; its own time counts as free. */
  readonly moving?: string | undefined;
  /** The hold that is to be used; its time counts as free. */
  readonly holdId?: string | undefined;
  /** Whether it may take the running five minutes without notice. */
  readonly walkIn?: boolean | undefined;
}

/** A wish for something that can be reserved. */
export interface TypedWish extends Wish {
  readonly type: TypeRules & PlacedType;
}

/** The same before its appointment type was read. */
export interface UntypedWish extends Omit<Wish, 'type'> {
  readonly appointmentTypeId: string;
}

/** Stands in for a doctor who is not there: the rules that are not about the doctor can still be applied. */
const TIRELESS_DOCTOR: Omit<DoctorFacts, 'id'> = {
  version: 0,
  timeZone: 'UTC',
  active: true,
  offers: undefined,
  open: [{ start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }],
};

/** What is known about a wish; of a patient or a hold only when one is named. */
export interface Found extends Pick<BookingFacts, 'takenOfDoctor' | 'takenOfPatient'> {
  readonly patient: PatientFacts | undefined;
  readonly doctor: DoctorFacts | undefined;
  readonly hold: Hold | undefined;
}

/** What doctor and patient have in a range already. */
export async function readTaken(
  store: AppointmentStore,
  { doctorId, patientId, moving, holdId }: Wish,
  range: Interval,
  { caller }: Asking,
): Promise<Pick<BookingFacts, 'takenOfDoctor' | 'takenOfPatient'>> {
  const taken = await store.takenSeats(caller, {
    resourceIds: patientId === undefined ? [doctorId] : [doctorId, patientId],
    range,
    exceptHolders: [moving, holdId].filter((id) => id !== undefined),
  });
  return {
    takenOfDoctor: taken.get(doctorId) ?? NOTHING_TAKEN,
    takenOfPatient: (patientId === undefined ? undefined : taken.get(patientId)) ?? NOTHING_TAKEN,
  };
}

/** Asks all who know something about the wish, at once. */
export async function lookUp({ directory, store, holds }: BookingParts, wish: Wish, asking: Asking): Promise<Found> {
  const { patientId, doctorId, type, start, holdId } = wish;
  const [patient, doctor, hold, taken] = await Promise.all([
    patientId === undefined ? undefined : directory.patient(patientId, asking),
    directory.doctor(doctorId, visitAt(start, type), asking),
    holdId === undefined ? undefined : holds.find(asking.caller, holdId),
    readTaken(store, wish, doctorTimeAt(start, type), asking),
  ]);
  return { patient, doctor, hold, ...taken };
}

/** Whether a hold keeps just what is wished. */
export const isFor = (hold: Hold | undefined, { doctorId, start }: Pick<Wish, 'doctorId' | 'start'>): boolean =>
  hold !== undefined && hold.doctorId === doctorId.toLowerCase() && toMillis(hold.start) === start;

/** Every rule that stands in the way of a wish, the one to name first in front. */
export function obstaclesOf(wish: Wish, { patient, doctor, hold, ...taken }: Found, now: number): ProblemCode[] {
  const { patientId, doctorId, type, start, holdId, walkIn } = wish;
  const obstacles: ProblemCode[] = [];
  if (patientId !== undefined && !patient) obstacles.push('patient-not-found');
  if (patient && !patient.active) obstacles.push('patient-inactive');
  if (!doctor) obstacles.push('doctor-not-found');
  if (holdId !== undefined && !isFor(hold, wish)) obstacles.push('hold-expired');
  const facts = { now, type, doctor: doctor ?? { id: doctorId, ...TIRELESS_DOCTOR }, walkIn, ...taken };
  return [...obstacles, ...obstaclesAt(start, facts)];
}
