/** What every operation of the API needs: the stores, and the account behind the caller. */
import { type Access, type Caller, type Invitation, instantText, Refusal } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import type { App, Clock } from '@daybook/service';
import type { FastifyRequest } from 'fastify';
import { loginKeyOf } from '../domain/login-key.ts';
import type { PatientContacts } from '../patient-contacts.ts';
import type { MailQueue } from '../routes/page-context.ts';
import type { AccountDirectory } from '../store/account-directory.ts';
import type { Account, AccountStore, IdentityTransaction } from '../store/accounts.ts';
import type { AuditTrail } from '../store/audit.ts';
import type { LinkCodeStore } from '../store/link-codes.ts';
import { LINK_LIVES_MILLIS, type OneTimeLinkStore } from '../store/one-time-links.ts';
import type { OwnAccount } from '../store/own-account.ts';
import type { RecordAccessStore } from '../store/record-access.ts';
import type { Session, SessionStore } from '../store/sessions.ts';
import type { IdentityTables } from '../store/tables.ts';
import type { Throttle } from '../store/throttle.ts';

export interface ApiContext {
  readonly app: App;
  readonly database: Database<IdentityTables>;
  readonly clock: Clock;
  readonly publicUrl: URL;
  readonly addressOf: (request: FastifyRequest) => string;
  readonly accounts: AccountStore;
  readonly directory: AccountDirectory;
  readonly recordAccess: RecordAccessStore;
  readonly linkCodes: LinkCodeStore;
  readonly links: OneTimeLinkStore;
  readonly sessions: SessionStore;
  readonly audit: AuditTrail;
  readonly throttle: Throttle;
  readonly contacts: Pick<PatientContacts, 'proof'>;
  /** Undefined where no mail is configured. */
  readonly mail: MailQueue | undefined;
}

/** The person who sent a request. */
export interface Person {
  readonly access: Access;
  readonly account: Account;
  /** Undefined for a bearer token without a session. */
  readonly session: Session | undefined;
}

/** Sensitive operations want a sign-in of this time. */
const RECENT_MILLIS = 10 * 60_000;
/** `me` in a path. */
const OWN = 'me';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns whether a caller is a person. Services, and programs of this machine that sign tokens themselves, are not. */
export const hasAccount = ({ id, role }: Caller): boolean => role !== 'service' && ID.test(id);

const noAccount = () => new Refusal('forbidden', 'This needs the sign-in of a person.');

const signInAgain = () => new Refusal('forbidden', 'The session or the account has ended. Sign in again.');

/**
 * Returns the account behind a request as it is now, because a token lives longer than a change of an account.
 * @throws Refusal `forbidden`
 */
export async function personOf({ accounts, sessions }: ApiContext, request: FastifyRequest): Promise<Person> {
  const { caller, access } = request;
  if (!hasAccount(caller)) throw noAccount();
  const { sessionId } = caller;
  const signedIn = sessionId === undefined ? undefined : await sessions.findByHandle(sessionId);
  if (sessionId !== undefined && signedIn?.account.id !== caller.id) throw signInAgain();
  const account = signedIn?.account ?? (await accounts.find(caller.id));
  if (account?.status !== 'active' || account.role !== caller.role) throw signInAgain();
  return { access, account, session: signedIn?.session };
}

/** @throws Refusal `recent-sign-in-required` */
export function requireRecentSignIn({ clock }: ApiContext, { session }: Person): void {
  const age = clock().epochMilliseconds - (session?.authenticatedAt.epochMilliseconds ?? Number.NEGATIVE_INFINITY);
  if (age > RECENT_MILLIS) {
    throw new Refusal('recent-sign-in-required', 'This needs a sign-in of the last 10 minutes.');
  }
}

/** Returns the account that a caller is restricted to; undefined for one that reaches all. */
export const ownOf = ({ access, account }: Person): OwnAccount => (access.reach === 'all' ? undefined : account.id);

/**
 * Returns the account that a path names.
 * @throws Refusal `not-found` when the caller does not reach it
 */
export async function accountIn({ accounts }: ApiContext, person: Person, ref: string): Promise<string> {
  if (ref === OWN) return person.account.id;
  const id = ref.toLowerCase();
  const own = ownOf(person);
  if (own === undefined ? await accounts.find(id) : id === own) return id;
  throw new Refusal('not-found', 'There is no such account.');
}

/**
 * Delivers a one-time link: by mail, or by hand where no mail is configured. `stored` opens nothing, and is what a
 * repeated request gets.
 */
export async function deliverIn(
  { mail, links, clock, publicUrl }: ApiContext,
  tx: IdentityTransaction,
  { id: accountId, email }: Account,
  purpose: 'invitation' | 'recovery',
): Promise<{ stored: Invitation; shown: Invitation }> {
  const expiresAt = instantText(clock().add({ milliseconds: LINK_LIVES_MILLIS }));
  if (mail) {
    await mail.outbox.enqueueIn(tx, { purpose, loginKey: loginKeyOf(email), accountId });
    const stored: Invitation = { accountId, delivery: 'mail', expiresAt };
    return { stored, shown: stored };
  }
  const token = await links.createIn(tx, { purpose, accountId });
  const stored: Invitation = { accountId, delivery: 'by-hand', expiresAt };
  return { stored, shown: { ...stored, link: `${publicUrl.origin}/identity/link?token=${token}` } };
}
