/** Permissions of booking. Each is decided before anything is read. */
import {
  type AppointmentPatch,
  CLINIC_STAFF,
  type Overbooking,
  permit,
  Refusal,
  ROLES,
  type Role,
  type VerifiedCaller,
} from '@daybook/contracts';
import { actsFor, usesCalendarOf } from '../ownership.ts';
import { refusalFor } from './rules.ts';

/**
 * Permits walk-ins to clinic staff only.
 * @throws Refusal `forbidden`
 */
export function permitWalkIn(caller: VerifiedCaller, walkIn: boolean | undefined): void {
  if (walkIn) permit(caller, CLINIC_STAFF);
}

/**
 * Permits overbooking to clinic staff only.
 * @throws Refusal `forbidden`
 */
export function permitOverbooking(caller: VerifiedCaller, overbooking: Overbooking | undefined): void {
  if (overbooking) permit(caller, CLINIC_STAFF);
}

/** A request whose body decides which roles it is for. */
interface RequestWithBody {
  readonly body: unknown;
}

const isForWalkIn = ({ body }: RequestWithBody): boolean =>
  typeof body === 'object' && body !== null && 'walkIn' in body && body.walkIn === true;

const isForOverbooking = ({ body }: RequestWithBody): boolean =>
  typeof body === 'object' && body !== null && 'overbooking' in body && body.overbooking !== undefined;

/** Returns the roles that may hold, book or reschedule with such a body. */
export const rolesToReserve = (request: RequestWithBody): readonly Role[] =>
  isForOverbooking(request) || isForWalkIn(request) ? CLINIC_STAFF : ROLES;

/**
 * Permits patients only bookings for patients that they act for, and doctors only those in their own calendar.
 * Any other patient or doctor is refused as one that does not exist.
 * Neither a read nor the time of the response can show the difference.
 * @throws Refusal `patient-not-found`, `doctor-not-found`
 */
export function permitParticipants(
  caller: VerifiedCaller,
  { patientId, doctorId }: { readonly patientId?: string | undefined; readonly doctorId?: string | undefined },
): void {
  if (patientId !== undefined && !actsFor(caller, patientId)) throw refusalFor('patient-not-found');
  if (doctorId !== undefined && !usesCalendarOf(caller, doctorId)) throw refusalFor('doctor-not-found');
}

/**
 * Permits patients to change the reason of a visit only.
 * @throws Refusal `forbidden`
 */
export function permitPatch({ role }: VerifiedCaller, patch: AppointmentPatch): void {
  if (role === 'patient' && (patch.note !== undefined || patch.appointmentTypeId !== undefined))
    throw new Refusal('forbidden', 'You can change the reason of the visit only.');
}
