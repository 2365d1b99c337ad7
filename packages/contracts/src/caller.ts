/** Who may ask; `service` is another part of Daybook that asks on its own account. */
export const ROLES = ['patient', 'doctor', 'front-desk', 'administrator', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks. Every handler and every store call receives one; history entries keep it. */
export interface Caller {
  readonly id: string;
  readonly role: Role;
}
