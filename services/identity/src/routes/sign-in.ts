/** Signing in: with a password, and with a code where the account has a second factor. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { readRecoveryCode } from '../credentials/secrets.ts';
import { readTotpCode, totpStepOf } from '../credentials/totp.ts';
import { isStaff } from '../domain/account.ts';
import { localPathOf } from '../domain/local-path.ts';
import { loginKeyOf } from '../domain/login-key.ts';
import { LONGEST_PASSWORD } from '../domain/password-policy.ts';
import { codePage, type SignInPage, signInPage } from '../pages/sign-in.ts';
import type { SignInAccount } from '../store/accounts.ts';
import type { Method } from '../store/sessions.ts';
import type { Throttled } from '../store/throttle.ts';
import { demoButtonsFor } from './demo-sign-in.ts';
import {
  completeSignIn,
  findSignedIn,
  PAGE,
  type PageContext,
  SIGN_IN,
  sendPage,
  sendScriptPage,
  sendThrottled,
  signInAt,
  wordsFor,
} from './page-context.ts';

const CODE = `${SIGN_IN}/code`;

const ReturnTo = Type.Optional(Type.String({ maxLength: 2_000 }));
const Query = Type.Object({ return_to: ReturnTo }, { additionalProperties: false });
const SignInQuery = Type.Object(
  { return_to: ReturnTo, step_up: Type.Optional(Type.Literal('1')) },
  { additionalProperties: false },
);
const FormToken = Type.String({ maxLength: 100 });
const SignInForm = Type.Object(
  {
    form_token: FormToken,
    return_to: ReturnTo,
    email: Type.String({ maxLength: 254 }),
    password: Type.String({ maxLength: LONGEST_PASSWORD }),
  },
  { additionalProperties: false },
);
const CodeForm = Type.Object(
  { form_token: FormToken, return_to: ReturnTo, code: Type.String({ maxLength: 40 }) },
  { additionalProperties: false },
);

/** Checks a password. The attempt takes as long whether the account exists or not. */
async function checkPassword(
  { throttle, accounts, hasher, devices, addressOf, audit }: PageContext,
  request: FastifyRequest,
  { email, password }: Pick<Static<typeof SignInForm>, 'email' | 'password'>,
): Promise<SignInAccount | Throttled | undefined> {
  const loginKey = loginKeyOf(email);
  const deviceId = devices.find(request, loginKey);
  const attempt = await throttle.beginPassword({ loginKey, address: addressOf(request), deviceId });
  if ('retryAfterSeconds' in attempt) return attempt;
  try {
    const found = await accounts.findForSignIn(email);
    const isRight = await hasher.verify(password, found?.passwordHash);
    if (!found || !isRight || found.account.status !== 'active') {
      await audit.append({ action: 'sign-in-failed', accountId: found?.account.id, detail: 'pwd' });
      return undefined;
    }
    await attempt.succeed();
    return found;
  } catch (error) {
    // Nothing was checked, so this is not a failed attempt of the person.
    await attempt.succeed();
    throw error;
  }
}

/** Accepts the code of an app, or a recovery code, at most once. */
async function acceptCode(
  { credentials, clock }: PageContext,
  accountId: string,
  text: string,
): Promise<Method | undefined> {
  const digits = readTotpCode(text);
  if (digits !== undefined) {
    const secret = await credentials.findTotpSecret(accountId);
    const step = secret && totpStepOf(secret, digits, clock().epochMilliseconds);
    return step !== undefined && (await credentials.useTotpStep(accountId, step)) ? 'otp' : undefined;
  }
  const code = readRecoveryCode(text);
  return code !== undefined && (await credentials.useRecoveryCode(accountId, code)) ? 'recovery' : undefined;
}

/** Returns the sign-in page. */
export async function renderSignIn(
  context: PageContext,
  request: FastifyRequest,
  reply: FastifyReply,
  page: Omit<SignInPage, 'words' | 'formToken' | 'passkeyOptions' | 'demo' | 'foreignHost'>,
): Promise<string> {
  const { forms, ceremonies, foreign } = context;
  const formToken = forms.issue(request, reply);
  const passkeyOptions = ceremonies.requestOptions(formToken);
  const demo = await demoButtonsFor(context, request);
  const foreignHost = foreign?.issuer.host;
  return signInPage({ words: wordsFor(request), formToken, passkeyOptions, demo, foreignHost, ...page });
}

export function addSignIn(context: PageContext): void {
  const { pages, forms, cookies, pending, throttle, audit } = context;

  pages.get(SIGN_IN, { ...PAGE, schema: { hide: true, querystring: SignInQuery } }, async (request, reply) => {
    const { return_to, step_up } = request.query;
    const signedIn = step_up === undefined ? undefined : await findSignedIn(context, request);
    const page = await renderSignIn(context, request, reply, {
      returnTo: localPathOf(return_to),
      isStepUp: signedIn !== undefined,
      ...(signedIn && { email: signedIn.account.email }),
    });
    return sendScriptPage(reply, 200, page);
  });

  pages.post(SIGN_IN, { ...PAGE, schema: { hide: true, body: SignInForm } }, async (request, reply) => {
    const form = request.body;
    forms.check(request, form.form_token);
    const words = wordsFor(request);
    const returnTo = localPathOf(form.return_to);
    const pageWith = (message: string, fieldId?: string): Promise<string> => {
      const fault = { message, ...(fieldId !== undefined && { field: fieldId }) };
      return renderSignIn(context, request, reply, { returnTo, email: form.email, faults: [fault] });
    };
    // The same for an account that does not exist, is disabled or has no password.
    const refuse = async () => sendScriptPage(reply, 422, await pageWith(words.wrongPassword, 'email'));
    if (form.email.trim() === '' || form.password === '') return refuse();
    const result = await checkPassword(context, request, form);
    if (result === undefined) return refuse();
    if ('retryAfterSeconds' in result) {
      return sendThrottled(reply, result, await pageWith(words.tooManyAttempts(result.retryAfterSeconds)));
    }
    const { account, hasTotp } = result;
    if (hasTotp) {
      cookies.set(reply, cookies.names.pending, await pending.begin(account.id));
      return reply.redirect(signInAt(returnTo, CODE), 303);
    }
    if (isStaff(account.role)) return sendScriptPage(reply, 422, await pageWith(words.noSecondFactor));
    return completeSignIn(context, request, reply, { account, methods: ['pwd'], returnTo });
  });

  pages.get(CODE, { ...PAGE, schema: { hide: true, querystring: Query } }, async (request, reply) => {
    const returnTo = localPathOf(request.query.return_to);
    const id = cookies.get(request, cookies.names.pending);
    const account = id === undefined ? undefined : await pending.find(id);
    if (!account) return reply.redirect(signInAt(returnTo), 303);
    const words = wordsFor(request, account);
    return sendPage(reply, 200, codePage({ words, formToken: forms.issue(request, reply), returnTo }));
  });

  pages.post(CODE, { ...PAGE, schema: { hide: true, body: CodeForm } }, async (request, reply) => {
    const form = request.body;
    forms.check(request, form.form_token);
    const returnTo = localPathOf(form.return_to);
    const id = cookies.get(request, cookies.names.pending);
    const waiting = id === undefined ? undefined : await pending.find(id);
    if (id === undefined || !waiting) return reply.redirect(signInAt(returnTo), 303);
    const words = wordsFor(request, waiting);
    const pageWith = (message: string, fieldId?: string): string => {
      const fault = { message, ...(fieldId !== undefined && { field: fieldId }) };
      return codePage({ words, formToken: forms.issue(request, reply), returnTo, faults: [fault] });
    };
    const attempt = await throttle.beginCode(waiting.id);
    if ('retryAfterSeconds' in attempt) {
      return sendThrottled(reply, attempt, pageWith(words.tooManyAttempts(attempt.retryAfterSeconds)));
    }
    const account = await pending.takeTry(id);
    if (!account) return reply.redirect(signInAt(returnTo), 303);
    const method = await acceptCode(context, account.id, form.code);
    if (method === undefined) {
      await audit.append({ action: 'sign-in-failed', accountId: account.id, detail: 'otp' });
      return sendPage(reply, 422, pageWith(words.wrongCode, 'code'));
    }
    await attempt.succeed();
    // Another request may have used this sign-in with another code.
    if (!(await pending.finish(id))) return reply.redirect(signInAt(returnTo), 303);
    return completeSignIn(context, request, reply, { account, methods: ['pwd', method], returnTo });
  });
}
