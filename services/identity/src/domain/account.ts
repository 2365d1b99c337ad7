/** The words and limits of accounts. */
import type { Role } from '@daybook/contracts';

/** The roles of people. A service has a client instead of an account. */
export const ACCOUNT_ROLES = ['patient', 'doctor', 'front-desk', 'administrator'] as const satisfies readonly Role[];
export type AccountRole = (typeof ACCOUNT_ROLES)[number];

/** An invited account has no credentials yet. A disabled one keeps them and cannot be used. */
export type AccountStatus = 'invited' | 'active' | 'disabled';

/** What a person is to a patient of the account. */
export type Relation = 'self' | 'guardian' | 'carer';

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
