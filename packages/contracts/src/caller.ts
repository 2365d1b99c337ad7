import { Refusal } from './problem.ts';

/** The roles of callers. `service` is another part of Daybook that calls for its own purposes. */
export const ROLES = ['patient', 'doctor', 'front-desk', 'administrator', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** The caller of a request. Every handler and every store call receives one; history entries keep it. */
export interface Caller {
  readonly id: string;
  readonly role: Role;
}

/**
 * The caller that an access token names. Stores restrict it to its own patients or doctor, which only identity decides.
 */
export interface VerifiedCaller extends Caller {
  /** The patients that the account may act for; often none. */
  readonly patientIds: readonly string[];
  /** The doctor that the account belongs to. */
  readonly doctorId?: string;
  /** The hash of the id of the browser session. A caller with a bearer token of its own has none. */
  readonly sessionId?: string;
  /** When the person signed in, in seconds since 1970. Unknown for a service, and for a person who did so elsewhere. */
  readonly authenticatedAt?: number;
  /** The ids of the operations that the token of a service is for. */
  readonly scope?: readonly string[];
}

/** The caller of a request without a token. It reaches what a patient without records does. */
export const ANONYMOUS: VerifiedCaller = Object.freeze({ id: 'anonymous', role: 'patient', patientIds: [] });

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
