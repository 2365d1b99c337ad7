import type { AccountRole } from '@daybook/contracts';

/** A person as the issuer knows it. */
export interface ForeignPerson {
  readonly issuer: string;
  readonly subject: string;
  /** Undefined without a role for Daybook, or with several. */
  readonly role: AccountRole | undefined;
  readonly displayName: string;
  /** Empty where the issuer names none. It is shown, and never identifies an account. */
  readonly email: string;
  readonly locale: string | undefined;
  /** When the person signed in there, if the issuer says so. */
  readonly authenticatedAt: Temporal.Instant | undefined;
}
