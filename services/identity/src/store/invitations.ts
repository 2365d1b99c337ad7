/** Invited accounts: they exist without credentials until their person opens a one-time link. */
import { type AccountRole, Refusal } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { loginKeyOf } from '../domain/login-key.ts';
import {
  type Account,
  type IdentityTransaction,
  insertAccount,
  linkPatientIn,
  type PatientLink,
  TAKEN,
  toAccount,
} from './accounts.ts';
import type { IdentityTables } from './tables.ts';

export interface NewInvitedAccount {
  readonly role: AccountRole;
  readonly email: string;
  readonly displayName: string;
  readonly locale: string;
  readonly doctorId?: string | undefined;
  readonly patient?: PatientLink | undefined;
}

/**
 * Creates an invited account. One that was invited before with the same role and has no credentials yet is invited
 * again, because links expire and get lost.
 * @throws Refusal `name-taken`
 */
export async function inviteIn(
  tx: IdentityTransaction,
  database: Database<IdentityTables>,
  { patient, ...input }: NewInvitedAccount,
  clock: Clock,
): Promise<Account> {
  const now = clock().epochMilliseconds;
  const existing = await tx
    .selectFrom('accounts')
    .selectAll()
    .where('login_key', '=', loginKeyOf(input.email))
    .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
    .executeTakeFirst();
  const { doctorId, ...rest } = input;
  const known = existing && toAccount(existing);
  if (known && (known.status !== 'invited' || known.role !== input.role || known.doctorId !== doctorId)) {
    throw new Refusal('name-taken', TAKEN);
  }
  const account =
    known ??
    (await insertAccount(
      tx,
      database,
      { ...rest, email: input.email.trim(), status: 'invited', ...(doctorId !== undefined && { doctorId }) },
      now,
    ));
  if (patient) await linkPatientIn(tx, database, account.id, patient, now);
  return account;
}
