import type { Caller, Role } from '@daybook/contracts';

/** People who can compare a record with the person in front of them. */
const ROLES: readonly Role[] = ['doctor', 'front-desk', 'administrator'];

/** Returns whether a refusal tells this caller which other records it is about. */
export const seesOtherRecords = ({ role }: Caller): boolean => ROLES.includes(role);
