import type { Caller, Role } from '@daybook/contracts';

/** The roles of people who can compare a record with the person in front of them. */
const ROLES: readonly Role[] = ['doctor', 'front-desk', 'administrator'];

/** Returns whether a refusal names other records to this caller. */
export const seesOtherRecords = ({ role }: Caller): boolean => ROLES.includes(role);
