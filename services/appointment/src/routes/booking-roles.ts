import { CLINIC_STAFF, type Role, STAFF } from '@daybook/contracts';

/** Returns the roles that may book or reschedule with such a body: overbooking and walk-ins are for the clinic's own people. */
export const rolesToBook = ({ body }: { body: unknown }): readonly Role[] =>
  typeof body === 'object' &&
  body !== null &&
  (('overbooking' in body && body.overbooking !== undefined) || ('walkIn' in body && body.walkIn === true))
    ? CLINIC_STAFF
    : STAFF;
