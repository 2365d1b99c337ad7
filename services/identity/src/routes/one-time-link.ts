/** What a one-time link is for: a new password and, for the clinic's staff, an authenticator app. */
import { type SealingKey, seal, UnsealFailure, unseal } from '@daybook/access';
import { Email, VisibleText } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { createValidator } from '@daybook/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { hashOfSecret } from '../credentials/secrets.ts';
import { base32Of, newTotpSecret, readTotpCode, totpAddress, totpStepOf } from '../credentials/totp.ts';
import { isStaff } from '../domain/account.ts';
import { LONGEST_PASSWORD, type PasswordFault, passwordFaultOf } from '../domain/password-policy.ts';
import { deviceNameOf } from '../http/device-name.ts';
import type { FormFault } from '../pages/layout.ts';
import { linkEndedPage, recoveryCodesPage, setUpPage, type TotpSetup } from '../pages/set-up.ts';
import type { Words } from '../pages/words/words.ts';
import { type Account, activateAccount, insertAccount } from '../store/accounts.ts';
import type { NewCredentials } from '../store/credentials.ts';
import type { LinkTarget, OneTimeLinkStore } from '../store/one-time-links.ts';
import type { IdentityTables } from '../store/tables.ts';
import {
  adoptSession,
  auditSignInIn,
  HOME,
  PAGE,
  type PageContext,
  sendOn,
  sendPage,
  sendScriptPage,
  wordsFor,
} from './page-context.ts';

const LINK = '/identity/link';
const ISSUER_NAME = 'Daybook';

const Token = Type.String({ pattern: '^[\\w-]{43}$' });
const Query = Type.Object({ token: Type.String({ maxLength: 100 }) }, { additionalProperties: false });
const Form = Type.Object(
  {
    form_token: Type.String({ maxLength: 100 }),
    token: Type.String({ maxLength: 100 }),
    email: Type.Optional(Type.String({ maxLength: 254 })),
    display_name: Type.Optional(Type.String({ maxLength: 200 })),
    password: Type.String({ maxLength: LONGEST_PASSWORD }),
    totp_secret: Type.Optional(Type.String({ maxLength: 200 })),
    code: Type.Optional(Type.String({ maxLength: 20 })),
  },
  { additionalProperties: false },
);
type Form = Static<typeof Form>;

const isEmail = createValidator(Type.Object({ text: Email() }));
const isName = createValidator(Type.Object({ text: VisibleText(200) }));
const isToken = createValidator(Type.Object({ text: Token }));
const matches = (check: typeof isEmail | typeof isName | typeof isToken, text: string): boolean =>
  !('faults' in check({ text }));

/** Returns what a page says about a password. */
export const passwordMessage = (words: Words, fault: PasswordFault): string =>
  ({
    'too-short': words.passwordTooShort,
    'too-long': words.passwordTooLong,
    'easily-guessed': words.passwordGuessed,
  })[fault];

export interface LinkDependencies {
  readonly database: Database<IdentityTables>;
  readonly links: OneTimeLinkStore;
  readonly sealingKey: SealingKey;
}

/** A live link, and the account that it is for. The first administrator has none yet. */
export interface OpenLink {
  readonly token: string;
  readonly target: LinkTarget;
  readonly account: Account | undefined;
}

const needsTotp = ({ account }: OpenLink): boolean => account === undefined || isStaff(account.role);
const titleOf = (words: Words, { target }: OpenLink): string =>
  target.purpose === 'recovery' ? words.newPasswordTitle : words.setUpTitle;
const inGroups = (text: string): string => text.match(/.{1,4}/g)?.join(' ') ?? '';

export class LinkEnded extends Error {}

/** Returns a live link of an account that can be used. */
export async function findLink(
  { accounts }: PageContext,
  links: OneTimeLinkStore,
  token: string,
): Promise<OpenLink | undefined> {
  const target = matches(isToken, token) ? await links.find(token) : undefined;
  if (!target) return undefined;
  if (target.purpose === 'first-administrator') return { token, target, account: undefined };
  const account = await accounts.find(target.accountId);
  return account && account.status !== 'disabled' ? { token, target, account } : undefined;
}

export function addOneTimeLink(context: PageContext, { database, links, sealingKey }: LinkDependencies): void {
  const { pages, forms, ceremonies, credentials, sessions, hasher, clock, audit } = context;
  const contextOf = (token: string): string => `totp-set-up:${Buffer.from(hashOfSecret(token)).toString('hex')}`;

  /** Returns the secret of the form, which comes back sealed, or undefined if it is not from a page of this link. */
  function openSecret({ token }: OpenLink, sealed: string | undefined): Uint8Array | undefined {
    if (sealed === undefined) return undefined;
    try {
      return unseal(sealed, sealingKey, contextOf(token));
    } catch (error) {
      if (error instanceof UnsealFailure) return undefined;
      throw error;
    }
  }

  function totpSetup(link: OpenLink, secret: Uint8Array): TotpSetup {
    return {
      secretText: inGroups(base32Of(secret)),
      address: totpAddress(secret, ISSUER_NAME, link.account?.email ?? 'administrator'),
      sealedSecret: seal(secret, sealingKey, contextOf(link.token)),
    };
  }

  async function sendForm(
    request: FastifyRequest,
    reply: FastifyReply,
    link: OpenLink,
    {
      form,
      secret = newTotpSecret(),
      faults = [],
    }: { form?: Form; secret?: Uint8Array | undefined; faults?: FormFault[] },
  ): Promise<FastifyReply> {
    const words = wordsFor(request, link.account);
    const formToken = forms.issue(request, reply);
    const page = setUpPage({
      words,
      title: titleOf(words, link),
      formToken,
      passkeyOptions: link.account && (await ceremonies.creationOptions(link.account, [], formToken)),
      linkToken: link.token,
      person: link.account ? undefined : { email: form?.email ?? '', displayName: form?.display_name ?? '' },
      totp: needsTotp(link) ? totpSetup(link, secret) : undefined,
      faults,
    });
    return sendScriptPage(reply, faults.length > 0 ? 422 : 200, page);
  }

  function personFaults(words: Words, link: OpenLink, { email = '', display_name = '', password }: Form): FormFault[] {
    const faults: FormFault[] = [];
    if (!link.account && !matches(isEmail, email)) faults.push({ field: 'email', message: words.enterEmail });
    if (!link.account && !matches(isName, display_name))
      faults.push({ field: 'display_name', message: words.enterName });
    const known = link.account ? [link.account.email, link.account.displayName] : [email, display_name];
    const fault = passwordFaultOf(password, known);
    if (fault) faults.push({ field: 'password', message: passwordMessage(words, fault) });
    return faults;
  }

  /** Stores all of it together, or nothing. */
  function store(link: OpenLink, form: Form, newCredentials: NewCredentials, device: string) {
    const now = clock().epochMilliseconds;
    return database.write(async (tx) => {
      if (!(await links.useIn(tx, link.token))) throw new LinkEnded();
      if (!link.account) {
        const existing = await tx
          .selectFrom('accounts')
          .select('id')
          .where('role', '=', 'administrator')
          .where('status', '=', 'active')
          .limit(1)
          .executeTakeFirst();
        if (existing) throw new LinkEnded();
      }
      const account =
        link.account ??
        (await insertAccount(
          tx,
          database,
          {
            role: 'administrator',
            status: 'active',
            email: form.email?.trim() ?? '',
            displayName: form.display_name?.trim() ?? '',
            locale: 'en',
          },
          now,
        ));
      await activateAccount(tx, account, now);
      const codes = await credentials.replaceAll(tx, account.id, newCredentials);
      await sessions.endAllIn(tx, account.id);
      const methods = newCredentials.totp ? (['pwd', 'otp'] as const) : (['pwd'] as const);
      const sessionId = await sessions.startIn(tx, { account, methods, device });
      const detail = link.target.purpose;
      await audit.appendIn(tx, { action: 'credentials-set', actor: account, accountId: account.id, detail });
      await auditSignInIn(context, tx, account, methods);
      return { account, codes, sessionId };
    });
  }

  pages.get(LINK, { ...PAGE, schema: { hide: true, querystring: Query } }, async (request, reply) => {
    const link = await findLink(context, links, request.query.token);
    return link ? sendForm(request, reply, link, {}) : sendPage(reply, 410, linkEndedPage(wordsFor(request)));
  });

  pages.post(LINK, { ...PAGE, schema: { hide: true, body: Form } }, async (request, reply) => {
    const form = request.body;
    forms.check(request, form.form_token);
    const link = await findLink(context, links, form.token);
    if (!link) return sendPage(reply, 410, linkEndedPage(wordsFor(request)));
    const words = wordsFor(request, link.account);
    const faults = personFaults(words, link, form);
    const secret = needsTotp(link) ? openSecret(link, form.totp_secret) : undefined;
    const digits = readTotpCode(form.code ?? '');
    const usedStep = secret && digits !== undefined ? totpStepOf(secret, digits, clock().epochMilliseconds) : undefined;
    if (needsTotp(link) && usedStep === undefined) {
      if (secret && digits !== undefined) await links.countFailure(link.token);
      faults.push({ field: 'code', message: words.enterAppCode });
    }
    if (faults.length > 0) return sendForm(request, reply, link, { form, secret, faults });
    const newCredentials = {
      passwordHash: await hasher.hash(form.password),
      ...(secret && usedStep !== undefined && { totp: { secret, usedStep } }),
    };
    try {
      const device = deviceNameOf(request.headers['user-agent']);
      const { account, codes, sessionId } = await store(link, form, newCredentials, device);
      await adoptSession(context, request, reply, { id: sessionId, email: account.email });
      return codes.length > 0
        ? sendPage(reply, 200, recoveryCodesPage(words, codes, HOME))
        : sendOn(words, reply, undefined);
    } catch (error) {
      if (!(error instanceof LinkEnded)) throw error;
      return sendPage(reply, 410, linkEndedPage(wordsFor(request)));
    }
  });
}
