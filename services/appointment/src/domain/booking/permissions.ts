/** Permissions of booking. Overbooking and walk-ins are for clinic staff. */
import { type Caller, CLINIC_STAFF, type Overbooking, permit, ROLES, type Role } from '@daybook/contracts';

/**
 * Permits walk-ins to clinic staff only.
 * @throws Refusal `forbidden`
 */
export function permitWalkIn(caller: Caller, walkIn: boolean | undefined): void {
  if (walkIn) permit(caller, CLINIC_STAFF);
}

/**
 * Permits overbooking to clinic staff only.
 * @throws Refusal `forbidden`
 */
export function permitOverbooking(caller: Caller, overbooking: Overbooking | undefined): void {
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
