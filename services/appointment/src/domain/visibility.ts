/** What each role sees of an appointment and of its history. */
import {
  type Appointment,
  CLINIC_STAFF,
  type HistoryEntry,
  type ProblemCode,
  type VerifiedCaller,
} from '@daybook/contracts';

/** The reasons to reschedule that patients see. All others tell about a doctor: leave, hours, the end of work. */
const REASONS_FOR_PATIENTS: readonly string[] = [
  'patient-inactive',
  'patient-busy',
  'appointment-type-inactive',
] satisfies ProblemCode[];

const reasonsForPatients = (reasons: readonly string[] = []): { reschedulingReasons?: string[] } => {
  const shown = reasons.filter((code) => REASONS_FOR_PATIENTS.includes(code));
  return shown.length > 0 ? { reschedulingReasons: shown } : {};
};

/**
 * Returns an appointment as a caller may see it.
 * Patients do not see its note, nor reasons that tell about doctors.
 * Services see ids, times and status only, because they may pass on what they read.
 */
export function visibleTo({ role }: VerifiedCaller, appointment: Appointment): Appointment {
  if (CLINIC_STAFF.includes(role)) return appointment;
  const { note: _, reschedulingReasons, ...forPatients } = appointment;
  if (role === 'patient') return { ...forPatients, ...reasonsForPatients(reschedulingReasons) };
  const { reason: __, ...times } = forPatients;
  return times;
}

/** Returns an entry as patients see it; undefined for a change of the note alone. */
function entryForPatients({
  at,
  by: { role },
  action,
  sequence,
  from,
  to,
  status,
  walkIn,
  changed,
  reschedulingReasons,
}: HistoryEntry): HistoryEntry | undefined {
  const shown = changed?.filter((field) => field !== 'note');
  if (shown?.length === 0) return undefined;
  return {
    at,
    by: { role },
    action,
    sequence,
    ...(from && { from }),
    ...(to && { to }),
    ...(status && { status }),
    ...(walkIn && { walkIn }),
    ...(shown && { changed: shown }),
    ...reasonsForPatients(reschedulingReasons),
  };
}

/**
 * Returns the history as a caller may see it.
 * Patients see the role of each author and no id, no reason, no overbooking and no other patient's record.
 */
export const visibleHistory = ({ role }: VerifiedCaller, entries: readonly HistoryEntry[]): HistoryEntry[] =>
  CLINIC_STAFF.includes(role) ? [...entries] : entries.map(entryForPatients).filter((entry) => entry !== undefined);
