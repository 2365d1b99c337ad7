import { CLINIC_STAFF, ROLES, type Role, STAFF } from '@daybook/contracts';

type Asked = { body: unknown };

const asksForWalkIn = ({ body }: Asked): boolean =>
  typeof body === 'object' && body !== null && 'walkIn' in body && body.walkIn === true;

const asksForOverbooking = ({ body }: Asked): boolean =>
  typeof body === 'object' && body !== null && 'overbooking' in body && body.overbooking !== undefined;

/** Returns the roles that may book or reschedule with such a body. Overbooking and walk-ins are for clinic staff. */
export const rolesToBook = (received: Asked): readonly Role[] =>
  asksForOverbooking(received) || asksForWalkIn(received) ? CLINIC_STAFF : STAFF;

/** Returns the roles that may hold a slot with such a body. A walk-in is for clinic staff. */
export const rolesToHold = (received: Asked): readonly Role[] => (asksForWalkIn(received) ? CLINIC_STAFF : ROLES);
