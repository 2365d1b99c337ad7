import { Refusal } from './problem.ts';

/** Who may ask; `service` is another part of Daybook that asks on its own account. */
export const ROLES = ['patient', 'doctor', 'front-desk', 'administrator', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks. Every handler and every store call receives one; history entries keep it. */
export interface Caller {
  readonly id: string;
  readonly role: Role;
}

/** The people who work in the clinic, and the parts of Daybook. */
export const STAFF: readonly Role[] = ['doctor', 'front-desk', 'administrator', 'service'];

/** The people who work in the clinic: what a person decides and answers for, with a reason. */
export const CLINIC_STAFF: readonly Role[] = ['doctor', 'front-desk', 'administrator'];

/**
 * Denies by default: every store call names the roles that it is for.
 * @throws Refusal `forbidden`
 */
export function permit(caller: Caller, roles: readonly Role[]): void {
  if (!roles.includes(caller.role)) throw new Refusal('forbidden', 'Your role does not allow this.');
}
