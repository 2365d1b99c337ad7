/** Pages of a signed-in person: changing the password, and linking a patient record. */
import { Nothing, Refusal } from '@daybook/contracts';
import { idToBytes } from '@daybook/database';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { loginKeyOf } from '../domain/login-key.ts';
import { LONGEST_PASSWORD, passwordFaultOf } from '../domain/password-policy.ts';
import { linkRecordPage, passwordPage } from '../pages/account.ts';
import type { FormFault } from '../pages/layout.ts';
import type { SignedIn } from '../store/sessions.ts';
import { passwordMessage } from './one-time-link.ts';
import {
  findSignedIn,
  PAGE,
  type PageContext,
  sendForeignCredentials,
  sendPage,
  sendThrottled,
  signInAt,
  wordsFor,
} from './page-context.ts';

const PASSWORD = '/identity/password';
const LINK_RECORD = '/identity/link-record';

const FormToken = Type.String({ maxLength: 100 });
const PasswordForm = Type.Object(
  {
    form_token: FormToken,
    present_password: Type.String({ maxLength: LONGEST_PASSWORD }),
    password: Type.String({ maxLength: LONGEST_PASSWORD }),
  },
  { additionalProperties: false },
);
const LinkForm = Type.Object(
  { form_token: FormToken, code: Type.String({ maxLength: 40 }), birth_date: Type.String({ maxLength: 10 }) },
  { additionalProperties: false },
);

export function addAccountPages(context: PageContext): void {
  addPasswordPage(context);
  addLinkRecordPage(context);
}

function addPasswordPage(context: PageContext): void {
  const { pages, forms, credentials, sessions, throttle, hasher, devices, addressOf, database, audit } = context;

  async function render(
    request: FastifyRequest,
    reply: FastifyReply,
    { account }: SignedIn,
    shown: { faults?: FormFault[]; isChanged?: boolean } = {},
  ): Promise<string> {
    return passwordPage({
      words: wordsFor(request, account),
      formToken: forms.issue(request, reply),
      isPatient: account.role === 'patient',
      hasPassword: (await credentials.findPasswordHash(account.id)) !== undefined,
      ...shown,
    });
  }

  pages.get(PASSWORD, { ...PAGE, schema: { hide: true, querystring: Nothing } }, async (request, reply) => {
    const signedIn = await findSignedIn(context, request);
    if (!signedIn) return reply.redirect(signInAt(PASSWORD), 303);
    const { account } = signedIn;
    if (account.isForeign) return sendForeignCredentials(reply, 403, wordsFor(request, account), account);
    return sendPage(reply, 200, await render(request, reply, signedIn));
  });

  pages.post(PASSWORD, { ...PAGE, schema: { hide: true, body: PasswordForm } }, async (request, reply) => {
    const { form_token, present_password, password } = request.body;
    forms.check(request, form_token);
    const signedIn = await findSignedIn(context, request);
    if (!signedIn) return reply.redirect(signInAt(PASSWORD), 303);
    const { account, session } = signedIn;
    const words = wordsFor(request, account);
    if (account.isForeign) return sendForeignCredentials(reply, 403, words, account);
    const refuse = async (field: string, message: string) =>
      sendPage(reply, 422, await render(request, reply, signedIn, { faults: [{ field, message }] }));
    const fault = passwordFaultOf(password, [account.email, account.displayName]);
    if (fault) return refuse('password', passwordMessage(words, fault));
    // Guessing here counts like guessing at the sign-in.
    const loginKey = loginKeyOf(account.email);
    const address = addressOf(request);
    const attempt = await throttle.beginPassword({ loginKey, address, deviceId: devices.find(request, loginKey) });
    if ('retryAfterSeconds' in attempt) {
      const faults = [{ message: words.tooManyAttempts(attempt.retryAfterSeconds) }];
      return sendThrottled(reply, attempt, await render(request, reply, signedIn, { faults }));
    }
    const present = await credentials.findPasswordHash(account.id);
    if (!(await hasher.verify(present_password, present))) {
      await audit.append({ action: 'sign-in-failed', actor: account, accountId: account.id, detail: 'pwd' });
      return refuse('present_password', words.wrongPresentPassword);
    }
    await attempt.succeed();
    const hash = await hasher.hash(password);
    await database.write(async (tx) => {
      await credentials.setPasswordHashIn(tx, account.id, hash);
      await sessions.endOthersIn(tx, account.id, session.handle);
      await tx.deleteFrom('pending_sign_ins').where('account_id', '=', idToBytes(account.id)).execute();
      await audit.appendIn(tx, { action: 'password-changed', actor: account, accountId: account.id });
    });
    return sendPage(reply, 200, await render(request, reply, signedIn, { isChanged: true }));
  });
}

function addLinkRecordPage(context: PageContext): void {
  const { pages, forms, linkCodes, throttle, addressOf } = context;

  const render = (
    request: FastifyRequest,
    reply: FastifyReply,
    { account }: SignedIn,
    shown: { faults?: FormFault[]; isLinked?: boolean; birthDate?: string } = {},
  ): string =>
    linkRecordPage({
      words: wordsFor(request, account),
      formToken: forms.issue(request, reply),
      isPatient: account.role === 'patient',
      ...shown,
    });

  pages.get(LINK_RECORD, { ...PAGE, schema: { hide: true, querystring: Nothing } }, async (request, reply) => {
    const signedIn = await findSignedIn(context, request);
    if (!signedIn) return reply.redirect(signInAt(LINK_RECORD), 303);
    return sendPage(reply, 200, render(request, reply, signedIn));
  });

  pages.post(LINK_RECORD, { ...PAGE, schema: { hide: true, body: LinkForm } }, async (request, reply) => {
    const { form_token, code, birth_date: birthDate } = request.body;
    forms.check(request, form_token);
    const signedIn = await findSignedIn(context, request);
    if (!signedIn) return reply.redirect(signInAt(LINK_RECORD), 303);
    const { account } = signedIn;
    const words = wordsFor(request, account);
    const attempt = await throttle.beginLinking({ accountId: account.id, address: addressOf(request) });
    if ('retryAfterSeconds' in attempt) {
      const faults = [{ message: words.tooManyAttempts(attempt.retryAfterSeconds) }];
      return sendThrottled(reply, attempt, render(request, reply, signedIn, { faults, birthDate }));
    }
    try {
      await linkCodes.redeem(account, { code, birthDate: birthDate.trim() });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const isWrong = error.code === 'link-code-refused';
      const fault = isWrong ? { field: 'code', message: words.codeRefused } : { message: words.tooManyPatients };
      return sendPage(reply, 422, render(request, reply, signedIn, { faults: [fault], birthDate }));
    }
    await attempt.succeed();
    return sendPage(reply, 200, render(request, reply, signedIn, { isLinked: true }));
  });
}
