/** The page for people who cannot sign in. It does the same work, whether an account exists or not. */
import { Nothing } from '@daybook/contracts';
import { Type } from 'typebox';
import { loginKeyOf } from '../domain/login-key.ts';
import { recoveryPage, recoverySentPage } from '../pages/recovery.ts';
import { PAGE, type PageContext, sendPage, sendThrottled, wordsFor } from './page-context.ts';

const RECOVERY = '/identity/recovery';
const Form = Type.Object(
  { form_token: Type.String({ maxLength: 100 }), email: Type.String({ maxLength: 254 }) },
  { additionalProperties: false },
);

export function addRecovery(context: PageContext): void {
  const { pages, forms, accounts, throttle, addressOf, database, mail, audit } = context;

  pages.get(RECOVERY, { ...PAGE, schema: { hide: true, querystring: Nothing } }, async (request, reply) => {
    const page = recoveryPage({
      words: wordsFor(request),
      formToken: forms.issue(request, reply),
      hasMail: mail !== undefined,
    });
    return sendPage(reply, 200, page);
  });

  if (!mail) return;
  pages.post(RECOVERY, { ...PAGE, schema: { hide: true, body: Form } }, async (request, reply) => {
    const { form_token, email } = request.body;
    forms.check(request, form_token);
    const words = wordsFor(request);
    const pageWith = (message: string, field?: string): string => {
      const faults = [{ message, ...(field !== undefined && { field }) }];
      return recoveryPage({ words, formToken: forms.issue(request, reply), hasMail: true, email, faults });
    };
    if (!/^\s*[^\s@]+@[^\s@]+\s*$/.test(email)) return sendPage(reply, 422, pageWith(words.enterEmail, 'email'));
    const loginKey = loginKeyOf(email);
    const attempt = await throttle.beginRecovery({ loginKey, address: addressOf(request) });
    if ('retryAfterSeconds' in attempt) {
      return sendThrottled(reply, attempt, pageWith(words.tooManyAttempts(attempt.retryAfterSeconds)));
    }
    const account = (await accounts.findForSignIn(email))?.account;
    // Mail alone must not replace the two factors of staff.
    const accountId = account?.role === 'patient' ? account.id : undefined;
    await database.write(async (tx) => {
      await mail.outbox.enqueueIn(tx, { purpose: 'recovery', loginKey, accountId });
      await audit.appendIn(tx, { action: 'recovery-requested', accountId: account?.id });
    });
    mail.wake();
    return sendPage(reply, 200, recoverySentPage(words));
  });
}
