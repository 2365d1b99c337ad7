/** The sessions of a person, and signing out. */
import { Nothing } from '@daybook/contracts';
import { Type } from 'typebox';
import { sessionsPage } from '../pages/sessions.ts';
import { signedOutPage } from '../pages/sign-in.ts';
import { findSignedIn, HOME, PAGE, type PageContext, sendPage, signInAt, wordsFor } from './page-context.ts';

const FormToken = Type.String({ maxLength: 100 });
const TokenForm = Type.Object({ form_token: FormToken }, { additionalProperties: false });
const EndForm = Type.Object(
  { form_token: FormToken, session: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
  { additionalProperties: false },
);

export function addSessions(context: PageContext): void {
  const { pages, forms, cookies, sessions, credentials } = context;

  pages.get('/identity', { ...PAGE, schema: { hide: true, querystring: Nothing } }, async (_request, reply) =>
    reply.redirect(HOME, 303),
  );

  pages.get(HOME, { ...PAGE, schema: { hide: true, querystring: Nothing } }, async (request, reply) => {
    const signedIn = await findSignedIn(context, request);
    if (!signedIn) return reply.redirect(signInAt(HOME), 303);
    const { account, session } = signedIn;
    const hasCodes = session.methods.some((method) => method === 'otp' || method === 'recovery');
    const page = sessionsPage({
      words: wordsFor(request, account),
      isPatient: account.role === 'patient',
      formToken: forms.issue(request, reply),
      displayName: account.displayName,
      sessions: await sessions.list(account.id),
      currentHandle: session.handle,
      recoveryCodesLeft: hasCodes ? await credentials.countRecoveryCodes(account.id) : undefined,
    });
    return sendPage(reply, 200, page);
  });

  pages.post(`${HOME}/end`, { ...PAGE, schema: { hide: true, body: EndForm } }, async (request, reply) => {
    forms.check(request, request.body.form_token);
    const signedIn = await findSignedIn(context, request);
    if (signedIn) await sessions.endByHandle(signedIn.account.id, request.body.session);
    return reply.redirect(HOME, 303);
  });

  pages.post(`${HOME}/end-others`, { ...PAGE, schema: { hide: true, body: TokenForm } }, async (request, reply) => {
    forms.check(request, request.body.form_token);
    const signedIn = await findSignedIn(context, request);
    if (signedIn) await sessions.endOthers(signedIn.account.id, signedIn.session.handle);
    return reply.redirect(HOME, 303);
  });

  pages.post('/identity/sign-out', { ...PAGE, schema: { hide: true, body: TokenForm } }, async (request, reply) => {
    forms.check(request, request.body.form_token);
    const id = cookies.get(request, cookies.names.session);
    if (id !== undefined) await sessions.end(id);
    cookies.clear(reply, cookies.names.session);
    forms.renew(reply);
    return sendPage(reply, 200, signedOutPage(wordsFor(request)));
  });
}
