/** Permissions that not all callers of an operation have. */
import { type Caller, CLINIC_STAFF } from '@daybook/contracts';

/** Returns whether a refusal names other records: to people who can compare them with the person in front of them. */
export const seesOtherRecords = ({ role }: Caller): boolean => CLINIC_STAFF.includes(role);
