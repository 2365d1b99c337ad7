/** Accounts of people who sign in at a foreign issuer. They are found by issuer and subject, and by nothing else. */
import { createHash } from 'node:crypto';
import { Refusal } from '@daybook/contracts';
import { type Database, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { ForeignPerson } from '../domain/foreign-person.ts';
import { foreignLoginKeyOf } from '../domain/login-key.ts';
import {
  type Account,
  type IdentityTransaction,
  indexAccount,
  insertAccount,
  lockAccount,
  toAccount,
} from './accounts.ts';
import type { AuditTrail } from './audit.ts';
import type { SessionStore } from './sessions.ts';
import type { AccountRow, IdentityTables } from './tables.ts';

/** The method of a sign-in at a foreign issuer, which has its own methods. */
const METHODS = ['foreign'] as const;
/** Without the time of a sign-in, its age. So it never counts as recent. */
const UNKNOWN_AGE_MILLIS = 60 * 60_000;

export type ForeignSignIn =
  | { readonly account: Account; readonly sessionId: string }
  /** The account is disabled here, or the issuer gives no role. */
  | { readonly refused: 'disabled' | 'no-role' };

export interface ForeignAccountStore {
  /**
   * Signs a person in. The first sign-in makes the account. Each one takes over the role, the name and the e-mail
   * address, and another role ends the other sessions.
   */
  signIn(person: ForeignPerson, browser: { device: string; language: string }): Promise<ForeignSignIn>;
}

/** Returns a key of fixed length that compares exactly, which the texts do not on every database. */
export const hashOfIdentity = ({ issuer, subject }: Pick<ForeignPerson, 'issuer' | 'subject'>): Uint8Array =>
  createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest();

export function createForeignAccountStore(
  database: Database<IdentityTables>,
  clock: Clock,
  { sessions, audit }: { readonly sessions: SessionStore; readonly audit: AuditTrail },
): ForeignAccountStore {
  const now = () => clock().epochMilliseconds;

  async function find(tx: IdentityTransaction, identity_hash: Uint8Array): Promise<AccountRow | undefined> {
    const identity = await tx
      .selectFrom('foreign_identities')
      .select('account_id')
      .where('identity_hash', '=', identity_hash)
      .executeTakeFirst();
    return identity && lockAccount(tx, database, identity.account_id);
  }

  async function refuse(
    tx: IdentityTransaction,
    refused: 'disabled' | 'no-role',
    accountId: string | undefined,
  ): Promise<ForeignSignIn> {
    if (accountId !== undefined) await sessions.endAllIn(tx, accountId);
    await audit.appendIn(tx, { action: 'sign-in-failed', accountId, detail: `foreign ${refused}` });
    return { refused };
  }

  /** Makes the account, unless the issuer gives no role. */
  async function adopt(tx: IdentityTransaction, person: ForeignPerson, language: string): Promise<Account | undefined> {
    const { issuer, subject, role, displayName, email, locale = language } = person;
    if (role === undefined) return undefined;
    const hash = hashOfIdentity(person);
    const input = { role, displayName, email, locale, status: 'active' } as const;
    const account = await insertAccount(tx, database, input, now(), foreignLoginKeyOf(hash));
    const row = { identity_hash: hash, account_id: idToBytes(account.id), issuer, subject, created_at: now() };
    await tx.insertInto('foreign_identities').values(row).execute();
    return account;
  }

  /** Takes over what the issuer says now. */
  async function update(tx: IdentityTransaction, row: AccountRow, person: ForeignPerson): Promise<Account> {
    const { role = row.role, displayName: display_name } = person;
    const email = person.email || row.email;
    const isOther = role !== row.role;
    if (!isOther && display_name === row.display_name && email === row.email) return toAccount(row);
    const doctor_id = role === 'doctor' ? row.doctor_id : null;
    const changes = { role, display_name, email, doctor_id, version: row.version + 1, updated_at: now() };
    await tx.updateTable('accounts').set(changes).where('id', '=', row.id).execute();
    const account = toAccount({ ...row, ...changes });
    await indexAccount(tx, account);
    if (isOther) await sessions.endAllIn(tx, account.id);
    return account;
  }

  async function signInIn(
    tx: IdentityTransaction,
    person: ForeignPerson,
    { device, language }: { device: string; language: string },
  ): Promise<ForeignSignIn> {
    const row = await find(tx, hashOfIdentity(person));
    const known = row && toAccount(row);
    if (known && known.status !== 'active') return refuse(tx, 'disabled', known.id);
    if (person.role === undefined) return refuse(tx, 'no-role', known?.id);
    const account = row ? await update(tx, row, person) : await adopt(tx, person, language);
    if (!account) return refuse(tx, 'no-role', undefined);
    const { authenticatedAt = clock().subtract({ milliseconds: UNKNOWN_AGE_MILLIS }) } = person;
    const sessionId = await sessions.startIn(tx, { account, methods: METHODS, device, authenticatedAt });
    const about = { actor: account, accountId: account.id };
    if (!known) await audit.appendIn(tx, { action: 'account-created', ...about, detail: 'foreign' });
    else if (known.role !== account.role)
      await audit.appendIn(tx, { action: 'account-changed', ...about, detail: 'role' });
    await audit.appendIn(tx, { action: 'sign-in', ...about, detail: METHODS.join(' ') });
    return { account, sessionId };
  }

  return {
    async signIn(person, browser) {
      const attempt = () => database.write((tx) => signInIn(tx, person, browser));
      try {
        return await attempt();
      } catch (error) {
        // Another request of the person has made the account meanwhile.
        if (error instanceof Refusal && error.code === 'name-taken') return attempt();
        throw error;
      }
    },
  };
}
