/** The words and limits of accounts. */
import type { AccountRole } from '@daybook/contracts';

/** The most patients that one account acts for. */
export const MAX_PATIENTS = 50;

/** Returns whether an account belongs to the clinic. Such an account needs a second factor. */
export const isStaff = (role: AccountRole): boolean => role !== 'patient';

/** How long a session lives. */
export interface SessionLimits {
  readonly idleMinutes: number;
  readonly totalHours: number;
}

const STAFF_LIMITS: SessionLimits = { idleMinutes: 15, totalHours: 12 };
const PATIENT_LIMITS: SessionLimits = { idleMinutes: 60, totalHours: 24 };

export const sessionLimitsOf = (role: AccountRole): SessionLimits => (isStaff(role) ? STAFF_LIMITS : PATIENT_LIMITS);
