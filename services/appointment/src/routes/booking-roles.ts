import { CLINIC_STAFF, ROLES, type Role, STAFF } from '@daybook/contracts';

type Asked = { body: unknown };

const asksForWalkIn = ({ body }: Asked): boolean =>
  typeof body === 'object' && body !== null && 'walkIn' in body && body.walkIn === true;

const asksForOverbooking = ({ body }: Asked): boolean =>
  typeof body === 'object' && body !== null && 'overbooking' in body && body.overbooking !== undefined;

/** Returns the roles that may book or reschedule with such a body: overbooking and walk-ins are for the clinic's own people. */
export const rolesToBook = (asked: Asked): readonly Role[] =>
  asksForOverbooking(asked) || asksForWalkIn(asked) ? CLINIC_STAFF : STAFF;

/** Returns the roles that may hold a slot with such a body: a walk-in is for the clinic's own people. */
export const rolesToHold = (asked: Asked): readonly Role[] => (asksForWalkIn(asked) ? CLINIC_STAFF : ROLES);
