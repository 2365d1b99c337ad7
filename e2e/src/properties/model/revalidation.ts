/** Flags appointments whose facts have changed since the booking. The system does so some time after the change. */
import type { Call } from './calls.ts';
import { worksThrough } from './hours.ts';
import { offers } from './rules.ts';
import { type Appointment, type Entry, put, type State } from './state.ts';

/** Returns the participant or type whose appointments are revalidated after a successful call. */
export function changedParticipant(call: Call): string | undefined {
  switch (call.do) {
    case 'change-patient':
    case 'change-doctor':
    case 'replace-schedule':
    case 'add-exception':
    case 'remove-exception':
    case 'change-type':
      return call.id;
    default:
      return undefined;
  }
}

const OF_DOCTOR = ['doctor-inactive', 'appointment-type-not-offered', 'outside-availability'];

function isOf(code: string, { patientId, typeId }: Appointment, changedId: string): boolean {
  if (changedId === patientId) return code === 'patient-inactive';
  if (changedId === typeId) return code === 'appointment-type-inactive';
  return OF_DOCTOR.includes(code);
}

/** Returns the reasons from the changed participant, and keeps those from others. */
function reasonsOf(state: State, appointment: Appointment, changedId: string): string[] {
  const { typeId, reasons, start, end } = appointment;
  const doctor = state.doctors.get(changedId);
  const remaining = reasons.filter((code) => !isOf(code, appointment, changedId));
  if (state.types.get(changedId)?.active === false) remaining.push('appointment-type-inactive');
  if (doctor?.active === false) remaining.push('doctor-inactive');
  if (doctor && !offers(doctor, typeId)) remaining.push('appointment-type-not-offered');
  if (doctor && !worksThrough(doctor, { start, end })) remaining.push('outside-availability');
  if (state.patients.get(changedId)?.active === false) remaining.push('patient-inactive');
  return remaining.sort();
}

/** Returns the present reasons from both participants and the type, whatever was known before. */
export const allReasonsOf = (state: State, appointment: Appointment): string[] => {
  const { patientId, doctorId, typeId } = appointment;
  const ofAll = (reasons: string[], changedId: string) => reasonsOf(state, { ...appointment, reasons }, changedId);
  return [doctorId, patientId, typeId].reduce(ofAll, []);
};

function revalidateOne(state: State, before: Appointment, changedId: string): State {
  const reasons = reasonsOf(state, before, changedId);
  if (reasons.join() === before.reasons.join()) return state;
  const action = reasons.length > 0 ? 'flagged' : 'unflagged';
  const entry: Entry = {
    ...{ by: 'service', action, sequence: before.sequence },
    ...(reasons.length > 0 && { reschedulingReasons: reasons }),
  };
  const version = before.version + 1;
  return put(state, 'appointments', { ...before, reasons, version, history: [...before.history, entry] });
}

/** Revalidates every future appointment of a doctor, a patient or a type. */
export const revalidate = (state: State, changedId: string, now: number): State =>
  [...state.appointments.values()]
    .filter(({ doctorId, patientId, typeId }) => [doctorId, patientId, typeId].includes(changedId))
    .filter(({ status, start }) => status === 'booked' && start > now)
    .reduce((after, appointment) => revalidateOne(after, appointment, changedId), state);
