/** Whether what an appointment was booked on still holds. */
import type { Appointment, ProblemCode } from '@daybook/contracts';
import type { DoctorFacts, PatientFacts } from './booking-rules.ts';
import { toMillis } from './time.ts';

const OF_PATIENT: readonly string[] = ['patient-inactive'] satisfies ProblemCode[];
const OF_DOCTOR: readonly string[] = ['doctor-inactive', 'outside-availability'] satisfies ProblemCode[];

/** Who was looked at again, and what is known now. */
export type Looked =
  | { readonly kind: 'patient'; readonly patient: PatientFacts }
  | { readonly kind: 'doctor'; readonly doctor: DoctorFacts };

function reasonsOf({ start, end }: Appointment, looked: Looked): ProblemCode[] {
  if (looked.kind === 'patient') return looked.patient.active ? [] : ['patient-inactive'];
  const { active, open } = looked.doctor;
  const works = open.some((hours) => hours.start <= toMillis(start) && toMillis(end) <= hours.end);
  return [...(active ? [] : (['doctor-inactive'] as const)), ...(works ? [] : (['outside-availability'] as const))];
}

/** Returns every reason why an appointment needs rescheduling, as patient and doctor are now. */
export function reasonsOfAll(appointment: Appointment, patient: PatientFacts, doctor: DoctorFacts): string[] {
  const ofPatient = reasonsOf(appointment, { kind: 'patient', patient });
  return [...ofPatient, ...reasonsOf(appointment, { kind: 'doctor', doctor })].sort();
}

/** Why an appointment needs rescheduling, by the codes of a refused booking: what is known anew, and what was of others. */
export function reschedulingReasons(appointment: Appointment, looked: Looked): string[] {
  const own = looked.kind === 'patient' ? OF_PATIENT : OF_DOCTOR;
  const ofOthers = (appointment.reschedulingReasons ?? []).filter((code) => !own.includes(code));
  return [...ofOthers, ...reasonsOf(appointment, looked)].sort();
}
