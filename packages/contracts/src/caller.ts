import { Refusal } from './problem.ts';

/** The roles of callers. `service` is another part of Daybook that calls for its own purposes. */
export const ROLES = ['patient', 'doctor', 'front-desk', 'administrator', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** The caller of a request. Every handler and every store call receives one; history entries keep it. */
export interface Caller {
  readonly id: string;
  readonly role: Role;
}

/** The people who work in the clinic, and Daybook's own services. */
export const STAFF: readonly Role[] = ['doctor', 'front-desk', 'administrator', 'service'];

/** The people who work in the clinic. Actions that need a person's decision and reason are for these roles. */
export const CLINIC_STAFF: readonly Role[] = ['doctor', 'front-desk', 'administrator'];

/**
 * Checks the caller's role. Denies by default: every store call names the roles that may call it.
 * @throws Refusal `forbidden`
 */
export function permit(caller: Caller, roles: readonly Role[]): void {
  if (!roles.includes(caller.role)) throw new Refusal('forbidden', 'Your role does not allow this.');
}
