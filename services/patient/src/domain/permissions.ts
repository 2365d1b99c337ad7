/** Permissions that not all staff have. */
import { type Caller, CLINIC_STAFF, type Role } from '@daybook/contracts';

export const MAY_MERGE: readonly Role[] = ['front-desk', 'administrator'];
export const MAY_UNMERGE: readonly Role[] = ['administrator'];

/** Returns whether a refusal names other records: to people who can compare them with the person in front of them. */
export const seesOtherRecords = ({ role }: Caller): boolean => CLINIC_STAFF.includes(role);
