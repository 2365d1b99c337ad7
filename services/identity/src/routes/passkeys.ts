/** Passkeys: signing in, the list of the account, and setting up an account with one. */
import { Nothing, Refusal } from '@daybook/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { CHALLENGE_LIVES_MILLIS } from '../credentials/passkey-ceremonies.ts';
import { localPathOf } from '../domain/local-path.ts';
import { deviceNameOf } from '../http/device-name.ts';
import { passkeysPage } from '../pages/account.ts';
import type { FormFault } from '../pages/layout.ts';
import { SCRIPT, SCRIPT_PATH } from '../pages/script.ts';
import { linkEndedPage } from '../pages/set-up.ts';
import { activateAccount } from '../store/accounts.ts';
import type { SignedIn } from '../store/sessions.ts';
import { findLink, type LinkDependencies, LinkEnded } from './one-time-link.ts';
import {
  adoptSession,
  auditSignInIn,
  completeSignIn,
  findSignedIn,
  isRecent,
  PAGE,
  type PageContext,
  sendForeignCredentials,
  sendOn,
  sendPage,
  sendScriptPage,
  signInAt,
  stepUpAt,
  wordsFor,
} from './page-context.ts';
import { renderSignIn } from './sign-in.ts';

const PASSKEYS = '/identity/passkeys';
/** A response with the largest key, URL encoded. */
const LIMIT_BYTES = 48 * 1024;
const PASSKEY_PAGE = { ...PAGE, bodyLimit: LIMIT_BYTES };
const YEAR_SECONDS = 365 * 24 * 60 * 60;

const FormToken = Type.String({ maxLength: 100 });
const Response = Type.String({ maxLength: 30_000 });
const SignInForm = Type.Object(
  { form_token: FormToken, return_to: Type.Optional(Type.String({ maxLength: 2_000 })), response: Response },
  { additionalProperties: false },
);
const AddForm = Type.Object({ form_token: FormToken, response: Response }, { additionalProperties: false });
const RemoveForm = Type.Object(
  { form_token: FormToken, passkey: Type.String({ maxLength: 1_400 }) },
  { additionalProperties: false },
);
const SetUpForm = Type.Object(
  { form_token: FormToken, token: Type.String({ maxLength: 100 }), response: Response },
  { additionalProperties: false },
);

export function addPasskeys(context: PageContext, linkDependencies: LinkDependencies): void {
  addScript(context);
  addPasskeySignIn(context);
  addPasskeyList(context);
  addPasskeySetUp(context, linkDependencies);
}

function addScript({ pages }: PageContext): void {
  pages.get(SCRIPT_PATH, { schema: { hide: true, querystring: Nothing } }, async (_request, reply) =>
    reply
      .header('cache-control', `public, max-age=${YEAR_SECONDS}, immutable`)
      .type('text/javascript; charset=utf-8')
      .send(SCRIPT),
  );
}

function addPasskeySignIn(context: PageContext): void {
  const { pages, forms, ceremonies, passkeys, accounts, database, audit } = context;

  /** Returns the account of a passkey that has signed a challenge of this browser, which is used by that. */
  async function accept(text: string, formToken: string) {
    const response = ceremonies.readSignIn(text, formToken);
    if (!response) return undefined;
    const passkey = await passkeys.find(response.credentialId);
    const signCount = passkey && (await response.verify(passkey));
    if (!passkey) return undefined;
    if (signCount === undefined) {
      await audit.append({ action: 'sign-in-failed', accountId: passkey.accountId, detail: 'pop' });
      return undefined;
    }
    const account = await accounts.find(passkey.accountId);
    if (account?.status !== 'active') return undefined;
    const isUsed = await database.write(async (tx) => {
      await passkeys.useChallengeIn(tx, response.challenge, CHALLENGE_LIVES_MILLIS);
      return passkeys.useIn(tx, passkey.credentialId, signCount);
    });
    return isUsed ? account : undefined;
  }

  pages.post(
    '/identity/passkey/sign-in',
    { ...PASSKEY_PAGE, schema: { hide: true, body: SignInForm } },
    async (request, reply) => {
      const { form_token, return_to, response } = request.body;
      forms.check(request, form_token);
      const returnTo = localPathOf(return_to);
      const account = await accept(response, form_token);
      // A passkey is unlocked on its device, so it is both factors.
      if (account) return completeSignIn(context, request, reply, { account, methods: ['pop'], returnTo });
      const faults = [{ message: wordsFor(request).passkeyFailed }];
      return sendScriptPage(reply, 422, await renderSignIn(context, request, reply, { returnTo, faults }));
    },
  );
}

function addPasskeyList(context: PageContext): void {
  const { pages, forms, ceremonies, passkeys, credentials, database, audit } = context;

  async function sendList(
    request: FastifyRequest,
    reply: FastifyReply,
    { account }: SignedIn,
    faults: readonly FormFault[] = [],
  ): Promise<FastifyReply> {
    const formToken = forms.issue(request, reply);
    const existing = await passkeys.list(account.id);
    const ids = existing.map(({ credentialId }) => credentialId);
    const page = passkeysPage({
      words: wordsFor(request, account),
      formToken,
      isPatient: account.role === 'patient',
      passkeys: existing,
      creationOptions: await ceremonies.creationOptions(account, ids, formToken),
      faults,
    });
    return sendScriptPage(reply, faults.length > 0 ? 422 : 200, page);
  }

  /** Returns the person, or undefined after another response. */
  async function findRecent(request: FastifyRequest, reply: FastifyReply): Promise<SignedIn | undefined> {
    const signedIn = await findSignedIn(context, request);
    if (signedIn?.account.isForeign) {
      void sendForeignCredentials(reply, 403, wordsFor(request, signedIn.account), signedIn.account);
      return undefined;
    }
    if (signedIn && isRecent(context, signedIn)) return signedIn;
    void reply.redirect(signedIn ? stepUpAt(PASSKEYS) : signInAt(PASSKEYS), 303);
    return undefined;
  }

  pages.get(PASSKEYS, { ...PAGE, schema: { hide: true, querystring: Nothing } }, async (request, reply) => {
    const signedIn = await findRecent(request, reply);
    return signedIn ? sendList(request, reply, signedIn) : reply;
  });

  pages.post(`${PASSKEYS}/add`, { ...PASSKEY_PAGE, schema: { hide: true, body: AddForm } }, async (request, reply) => {
    const { form_token, response } = request.body;
    forms.check(request, form_token);
    const signedIn = await findRecent(request, reply);
    if (!signedIn) return reply;
    const accountId = signedIn.account.id;
    const created = await ceremonies.verifyCreation(response, accountId, form_token);
    const faults = [{ message: wordsFor(request, signedIn.account).passkeyFailed }];
    if (!created) return sendList(request, reply, signedIn, faults);
    const label = deviceNameOf(request.headers['user-agent']);
    await database.write(async (tx) => {
      await passkeys.useChallengeIn(tx, created.challenge, CHALLENGE_LIVES_MILLIS);
      await passkeys.addIn(tx, { ...created.passkey, accountId, label });
      await audit.appendIn(tx, { action: 'passkey-added', actor: signedIn.account, accountId });
    });
    return reply.redirect(PASSKEYS, 303);
  });

  pages.post(`${PASSKEYS}/remove`, { ...PAGE, schema: { hide: true, body: RemoveForm } }, async (request, reply) => {
    const { form_token, passkey } = request.body;
    forms.check(request, form_token);
    const signedIn = await findRecent(request, reply);
    if (!signedIn) return reply;
    const { account } = signedIn;
    const isLast = (await passkeys.list(account.id)).length === 1;
    if (isLast && (await credentials.findPasswordHash(account.id)) === undefined) {
      return sendList(request, reply, signedIn, [{ message: wordsFor(request, account).lastPasskey }]);
    }
    if (await passkeys.remove(account.id, passkey)) {
      await audit.append({ action: 'passkey-removed', actor: account, accountId: account.id });
    }
    return reply.redirect(PASSKEYS, 303);
  });
}

/** Sets up an account with a passkey instead of a password. */
function addPasskeySetUp(context: PageContext, { links }: LinkDependencies): void {
  const { pages, forms, ceremonies, passkeys, credentials, sessions, database, clock, audit } = context;
  pages.post(
    '/identity/passkey/set-up',
    { ...PASSKEY_PAGE, schema: { hide: true, body: SetUpForm } },
    async (request, reply) => {
      const { form_token, token, response } = request.body;
      forms.check(request, form_token);
      const ended = () => sendPage(reply, 410, linkEndedPage(wordsFor(request)));
      const link = await findLink(context, links, token);
      const account = link?.account;
      if (!account) return ended();
      const words = wordsFor(request, account);
      const created = await ceremonies.verifyCreation(response, account.id, form_token);
      if (!created) throw new Refusal('invalid-request', words.passkeyFailed);
      const device = deviceNameOf(request.headers['user-agent']);
      try {
        const id = await database.write(async (tx) => {
          if (!(await links.useIn(tx, token))) throw new LinkEnded();
          await passkeys.useChallengeIn(tx, created.challenge, CHALLENGE_LIVES_MILLIS);
          await activateAccount(tx, account, clock().epochMilliseconds);
          await credentials.replaceAll(tx, account.id, {});
          await passkeys.addIn(tx, { ...created.passkey, accountId: account.id, label: device });
          await sessions.endAllIn(tx, account.id);
          const started = await sessions.startIn(tx, { account, methods: ['pop'], device });
          const detail = link.target.purpose;
          await audit.appendIn(tx, { action: 'credentials-set', actor: account, accountId: account.id, detail });
          await auditSignInIn(context, tx, account, ['pop']);
          return started;
        });
        await adoptSession(context, request, reply, { id, email: account.email });
        return sendOn(words, reply, undefined);
      } catch (error) {
        if (!(error instanceof LinkEnded)) throw error;
        return ended();
      }
    },
  );
}
