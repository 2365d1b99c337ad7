/** What every page needs: the cookies, the form tokens, and the person who is signed in. */
import type { Database } from '@daybook/database';
import type { App, Clock } from '@daybook/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PasskeyCeremonies } from '../credentials/passkey-ceremonies.ts';
import type { PasswordHasher } from '../credentials/password-hasher.ts';
import { localPathOf } from '../domain/local-path.ts';
import { loginKeyOf } from '../domain/login-key.ts';
import type { ForeignAttempts } from '../foreign/attempts.ts';
import type { ForeignIssuer } from '../foreign/foreign-issuer.ts';
import type { Cookies } from '../http/cookies.ts';
import { deviceNameOf } from '../http/device-name.ts';
import type { FormTokens } from '../http/form-tokens.ts';
import type { KnownDevices } from '../http/known-devices.ts';
import { foreignCredentialsPage } from '../pages/account.ts';
import { continuePage } from '../pages/sign-in.ts';
import { PAGE_HEADERS, SCRIPT_PAGE_HEADERS } from '../pages/style.ts';
import { findWords, type Words, wordsAccepted } from '../pages/words/words.ts';
import type { Account, AccountStore, IdentityTransaction } from '../store/accounts.ts';
import type { AuditTrail } from '../store/audit.ts';
import type { CredentialStore } from '../store/credentials.ts';
import type { DemoAccountStore } from '../store/demo-accounts.ts';
import type { ForeignAccountStore } from '../store/foreign-accounts.ts';
import type { LinkCodeStore } from '../store/link-codes.ts';
import type { MailOutbox } from '../store/mail-outbox.ts';
import type { PasskeyStore } from '../store/passkeys.ts';
import type { PendingSignInStore } from '../store/pending-sign-ins.ts';
import type { Method, SessionStore, SignedIn } from '../store/sessions.ts';
import type { IdentityTables } from '../store/tables.ts';
import type { Throttle, Throttled } from '../store/throttle.ts';

export interface PageContext {
  readonly pages: App;
  readonly database: Database<IdentityTables>;
  readonly clock: Clock;
  readonly cookies: Cookies;
  readonly forms: FormTokens;
  readonly devices: KnownDevices;
  readonly addressOf: (request: FastifyRequest) => string;
  readonly hasher: PasswordHasher;
  readonly accounts: AccountStore;
  readonly credentials: CredentialStore;
  readonly sessions: SessionStore;
  readonly pending: PendingSignInStore;
  readonly throttle: Throttle;
  readonly passkeys: PasskeyStore;
  readonly ceremonies: PasskeyCeremonies;
  readonly audit: AuditTrail;
  readonly linkCodes: LinkCodeStore;
  /** Undefined where no demo accounts may sign in. */
  readonly demo: Pick<DemoAccountStore, 'list' | 'find'> | undefined;
  /** Undefined where people sign in here only. */
  readonly foreign: ForeignSignInDependencies | undefined;
  /** Undefined where no mail is configured. */
  readonly mail: MailQueue | undefined;
}

/** What a sign-in at a foreign issuer needs. */
export interface ForeignSignInDependencies {
  readonly issuer: ForeignIssuer;
  readonly attempts: ForeignAttempts;
  readonly accounts: ForeignAccountStore;
}

/** Where mails wait until they are sent. */
export interface MailQueue {
  readonly outbox: MailOutbox;
  /** Lets the sender know that there is a mail. */
  wake(): void;
}

/** The page after a sign-in that began without another page. */
export const HOME = '/identity/sessions';
export const SIGN_IN = '/identity/sign-in';
const INTERACTION = '/identity/interaction/';

/** The longest form is that of a new password. */
const FORM_LIMIT_BYTES = 8 * 1024;

/** The settings of every page. Compression would let the length of a page reveal its form token (BREACH). */
export const PAGE = { compress: false, bodyLimit: FORM_LIMIT_BYTES } as const;

export const sendPage = (reply: FastifyReply, status: number, page: string): FastifyReply =>
  reply.code(status).headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page);

/** Sends a page with passkeys, which has a script. */
export const sendScriptPage = (reply: FastifyReply, status: number, page: string): FastifyReply =>
  reply.code(status).headers(SCRIPT_PAGE_HEADERS).type('text/html; charset=utf-8').send(page);

/** Sends a page about too many attempts. */
export const sendThrottled = (reply: FastifyReply, { retryAfterSeconds }: Throttled, page: string): FastifyReply =>
  sendScriptPage(reply.header('retry-after', retryAfterSeconds), 429, page);

/** Returns the words of the account's locale, or those that the browser prefers. */
export const wordsFor = (request: FastifyRequest, account?: Pick<Account, 'locale'>): Words =>
  findWords(account?.locale) ?? wordsAccepted(request.headers['accept-language']);

/** Returns the address of the sign-in page that leads back to a path. */
export const signInAt = (returnTo: string | undefined, page = SIGN_IN): string =>
  returnTo === undefined ? page : `${page}?${new URLSearchParams({ return_to: returnTo })}`;

/** Returns the person who is signed in. The request counts as activity. */
export async function findSignedIn(
  { cookies, sessions }: PageContext,
  request: FastifyRequest,
): Promise<SignedIn | undefined> {
  const id = cookies.get(request, cookies.names.session);
  return id === undefined ? undefined : sessions.find(id, { isActive: true });
}

/** Sensitive pages want a sign-in of this time. */
const RECENT_MILLIS = 10 * 60_000;

export const isRecent = ({ clock }: PageContext, { session }: SignedIn): boolean =>
  clock().epochMilliseconds - session.authenticatedAt.epochMilliseconds <= RECENT_MILLIS;

/** Returns the address of the sign-in page for a person who is signed in and has to show that it is still the same. */
export const stepUpAt = (returnTo: string): string =>
  `${SIGN_IN}?${new URLSearchParams({ step_up: '1', return_to: returnTo })}`;

/** Responds to a person who has no credentials here, which would be a way past the issuer. */
export const sendForeignCredentials = (reply: FastifyReply, status: number, words: Words, { role }: Account) =>
  sendPage(reply, status, foreignCredentialsPage(words, role === 'patient'));

/**
 * Gives the browser a new session, and ends the one that it had: the id changes at every sign-in.
 * @param email undefined for an account of a foreign issuer, whose address is not verified here
 */
export async function adoptSession(
  { cookies, forms, devices, sessions }: PageContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { id, email }: { readonly id: string; readonly email: string | undefined },
): Promise<void> {
  const previous = cookies.get(request, cookies.names.session);
  if (previous !== undefined) await sessions.end(previous);
  cookies.set(reply, cookies.names.session, id);
  cookies.clear(reply, cookies.names.pending);
  forms.renew(reply);
  if (email !== undefined) devices.remember(request, reply, loginKeyOf(email));
}

/**
 * Continues after a form: by a redirect, or by a page that continues by itself for the sign-in of an application.
 * Such a sign-in ends at another site, and `form-action` forbids a redirect there.
 */
export function sendOn(words: Words, reply: FastifyReply, returnTo: string | undefined): FastifyReply {
  const path = localPathOf(returnTo) ?? HOME;
  return path.startsWith(INTERACTION) ? sendPage(reply, 200, continuePage(words, path)) : reply.redirect(path, 303);
}

/** Writes to the audit trail that a person has signed in. */
export const auditSignInIn = (
  { audit }: Pick<PageContext, 'audit'>,
  tx: IdentityTransaction,
  account: Account,
  methods: readonly Method[],
): Promise<void> =>
  audit.appendIn(tx, { action: 'sign-in', actor: account, accountId: account.id, detail: methods.join(' ') });

/** Signs a person in. */
export async function completeSignIn(
  context: PageContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { account, methods, returnTo }: { account: Account; methods: readonly Method[]; returnTo: string | undefined },
): Promise<FastifyReply> {
  const device = deviceNameOf(request.headers['user-agent']);
  const id = await context.database.write(async (tx) => {
    const started = await context.sessions.startIn(tx, { account, methods, device });
    await auditSignInIn(context, tx, account, methods);
    return started;
  });
  await adoptSession(context, request, reply, { id, email: account.email });
  return sendOn(wordsFor(request, account), reply, returnTo);
}
