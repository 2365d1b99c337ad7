/** Which appointments belong to a caller. The stores turn this into a condition (store/ownership.ts). */
import { CLINIC_STAFF, type Role, type VerifiedCaller } from '@daybook/contracts';

/** The callers that are people. The access table names the few operations of services. */
export const PEOPLE: readonly Role[] = ['patient', ...CLINIC_STAFF];

/** The appointments that a caller reaches: all, or those of some patients or of one doctor. No patient means none. */
export type OwnRecords = 'all' | { readonly patientIds: readonly string[] } | { readonly doctorId: string };

const NOTHING: OwnRecords = { patientIds: [] };

export function ownRecordsOf({ role, patientIds, doctorId }: VerifiedCaller): OwnRecords {
  if (role === 'patient') return { patientIds: patientIds.map((id) => id.toLowerCase()) };
  if (role === 'doctor') return doctorId === undefined ? NOTHING : { doctorId: doctorId.toLowerCase() };
  return 'all';
}

/** Returns whether a caller may act for a patient. Only patients are restricted to some. */
export function actsFor(caller: VerifiedCaller, patientId: string): boolean {
  if (caller.role !== 'patient') return true;
  const own = ownRecordsOf(caller);
  return own === 'all' || ('patientIds' in own && own.patientIds.includes(patientId.toLowerCase()));
}

/** Returns whether a caller may use the calendar of a doctor. Only doctors are restricted to their own. */
export function usesCalendarOf(caller: VerifiedCaller, doctorId: string): boolean {
  if (caller.role !== 'doctor') return true;
  const own = ownRecordsOf(caller);
  return own === 'all' || ('doctorId' in own && own.doctorId === doctorId.toLowerCase());
}

/** The participants that a list is about. Undefined: of any. */
export interface ListedParticipants {
  readonly patientIds: readonly string[] | undefined;
  readonly doctorId: string | undefined;
}

/**
 * Restricts the participants that a list asks for to those of its caller. Returns undefined when nothing is left.
 * This happens before the read, because its duration would show how many appointments a foreign patient has.
 */
export function restrictList(
  caller: VerifiedCaller,
  { patientId, doctorId }: { readonly patientId?: string | undefined; readonly doctorId?: string | undefined },
): ListedParticipants | undefined {
  const requested = { patientIds: patientId === undefined ? undefined : [patientId], doctorId };
  const own = ownRecordsOf(caller);
  if (own === 'all') return requested;
  if ('doctorId' in own) {
    return doctorId === undefined || usesCalendarOf(caller, doctorId)
      ? { ...requested, doctorId: own.doctorId }
      : undefined;
  }
  const patientIds = own.patientIds.filter((id) => patientId === undefined || id === patientId.toLowerCase());
  return patientIds.length === 0 ? undefined : { ...requested, patientIds };
}
