/** Decides whether the facts that an appointment was booked on still hold, and which flags another patient leaves. */
import { type Appointment, type ProblemCode, toMillis } from '@daybook/contracts';
import { UPCOMING_STATUSES } from './lifecycle.ts';
import { absenceDuring, type DoctorFacts, offersType, type PatientFacts } from './rules.ts';

const OF_PATIENT: readonly string[] = ['patient-inactive'] satisfies ProblemCode[];
const OF_DOCTOR: readonly string[] = [
  'doctor-inactive',
  'appointment-type-not-offered',
  'clinic-closed',
  'outside-availability',
] satisfies ProblemCode[];

const OF_TYPE: readonly string[] = ['appointment-type-inactive'] satisfies ProblemCode[];
const REASONS_OF_KIND = { patient: OF_PATIENT, doctor: OF_DOCTOR, type: OF_TYPE } as const;

/**
 * The reasons that end when the appointment gets another patient. Those about doctor and type hold for any patient.
 * A revalidation of a patient does not decide `patient-busy`, so it is in this list only.
 */
const REASONS_THAT_FOLLOW_THE_PATIENT: readonly string[] = ['patient-busy', ...OF_PATIENT];

/** What was revalidated, with its current facts. */
export type CurrentFacts =
  | { readonly kind: 'type'; readonly active: boolean }
  | { readonly kind: 'patient'; readonly patient: PatientFacts }
  | { readonly kind: 'doctor'; readonly doctor: DoctorFacts };

function reasonsOf({ appointmentTypeId, start, end }: Appointment, facts: CurrentFacts): ProblemCode[] {
  if (facts.kind === 'patient') return facts.patient.active ? [] : ['patient-inactive'];
  if (facts.kind === 'type') return facts.active ? [] : ['appointment-type-inactive'];
  const { doctor } = facts;
  const reasons: ProblemCode[] = [];
  if (!doctor.active) reasons.push('doctor-inactive');
  if (!offersType(doctor, appointmentTypeId)) reasons.push('appointment-type-not-offered');
  const absence = absenceDuring({ start: toMillis(start), end: toMillis(end) }, doctor);
  if (absence) reasons.push(absence);
  return reasons;
}

/** Returns every reason to reschedule, from the present patient, doctor and type, without collisions. */
export function allReschedulingReasons(
  appointment: Appointment,
  facts: { readonly patient: PatientFacts; readonly doctor: DoctorFacts; readonly type: { readonly active: boolean } },
): string[] {
  const allFacts: CurrentFacts[] = [
    { kind: 'patient', patient: facts.patient },
    { kind: 'doctor', doctor: facts.doctor },
    { kind: 'type', active: facts.type.active },
  ];
  return allFacts.flatMap((one) => reasonsOf(appointment, one)).sort();
}

/**
 * Returns the reasons to reschedule, as refusal codes of a booking.
 * Reasons of the current facts replace earlier ones of the same kind. Reasons of other kinds stay.
 */
export function reschedulingReasons(appointment: Appointment, facts: CurrentFacts): string[] {
  const own = REASONS_OF_KIND[facts.kind];
  const ofOthers = (appointment.reschedulingReasons ?? []).filter((code) => !own.includes(code));
  return [...ofOthers, ...reasonsOf(appointment, facts)].sort();
}

/**
 * Returns the flags of an appointment that gets another patient, who perhaps has another visit then.
 * The later revalidation checks whether that patient is active.
 */
export function flagsOfReassigned(
  { status, start, reschedulingReasons: before = [] }: Appointment,
  collides: boolean,
  now: number,
): Pick<Appointment, 'needsRescheduling' | 'reschedulingReasons'> {
  const isUpcoming = UPCOMING_STATUSES.includes(status) && toMillis(start) > now;
  const reasons = before.filter((code) => !REASONS_THAT_FOLLOW_THE_PATIENT.includes(code));
  if (collides && isUpcoming) reasons.push('patient-busy');
  return reasons.length > 0
    ? { needsRescheduling: true, reschedulingReasons: reasons.sort() }
    : { needsRescheduling: false };
}
