/** Where oidc-provider sends a browser that needs a person: to sign in, or to confirm an application on a device. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { InteractionResults, Provider } from 'oidc-provider';
import { Type } from 'typebox';
import type { Issuer } from '../oidc/issuer.ts';
import { confirmPage, continuePage, failurePage } from '../pages/sign-in.ts';
import type { SignedIn } from '../store/sessions.ts';
import { findSignedIn, PAGE, type PageContext, sendPage, signInAt, wordsFor } from './page-context.ts';

const PATH = '/identity/interaction/:uid';
const Params = Type.Object({ uid: Type.String({ pattern: '^[\\w-]{1,100}$' }) });
const Form = Type.Object(
  {
    form_token: Type.String({ maxLength: 100 }),
    decision: Type.Union([Type.Literal('continue'), Type.Literal('cancel')]),
  },
  { additionalProperties: false },
);

/** Reasons for a sign-in that an existing session satisfies. For every other reason the person signs in again. */
const SESSION_SUFFICES = ['no_session', 'no_live_session'];

type Details = Awaited<ReturnType<Provider['interactionDetails']>>;

const isFreshEnough = ({ iat, prompt }: Details, { session }: SignedIn): boolean =>
  prompt.name !== 'login' ||
  prompt.reasons.every((reason) => SESSION_SUFFICES.includes(reason)) ||
  // The interaction knows only the second in which it began. A sign-in of that second may have been before it.
  session.authenticatedAt.epochMilliseconds >= ((iat ?? 0) + 1) * 1_000;

function sendExpired(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const words = wordsFor(request);
  return sendPage(reply, 410, failurePage(words, words.signInExpiredTitle, words.signInExpired));
}

export function addInteraction(context: PageContext, issuer: Issuer): void {
  const { pages, forms } = context;

  async function findDetails(request: FastifyRequest, reply: FastifyReply, uid: string): Promise<Details | undefined> {
    const [provider, { errors }] = [await issuer.provider(), await issuer.library()];
    try {
      const details = await provider.interactionDetails(request.raw, reply.raw);
      return details.uid === uid ? details : undefined;
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined;
      throw error;
    }
  }

  async function finish(
    request: FastifyRequest,
    reply: FastifyReply,
    result: InteractionResults,
  ): Promise<FastifyReply> {
    const provider = await issuer.provider();
    return reply.redirect(await provider.interactionResult(request.raw, reply.raw, result), 303);
  }

  async function sendConfirmation(
    request: FastifyRequest,
    reply: FastifyReply,
    { uid, params }: Details,
    { account }: SignedIn,
  ): Promise<FastifyReply> {
    const provider = await issuer.provider();
    const client = await provider.Client.find(String(params.client_id));
    if (!client) return sendExpired(request, reply);
    const application = client.clientName ?? client.clientId;
    const page = {
      words: wordsFor(request, account),
      formToken: forms.issue(request, reply),
      uid,
      application,
      name: account.displayName,
    };
    return sendPage(reply, 200, confirmPage(page));
  }

  pages.get(PATH, { ...PAGE, schema: { hide: true, params: Params } }, async (request, reply) => {
    const { uid } = request.params;
    const details = await findDetails(request, reply, uid);
    if (!details) return sendExpired(request, reply);
    const signedIn = await findSignedIn(context, request);
    if (!signedIn || !isFreshEnough(details, signedIn)) return reply.redirect(signInAt(PATH.replace(':uid', uid)), 303);
    if (details.prompt.name !== 'login') return sendConfirmation(request, reply, details, signedIn);
    const { account, session } = signedIn;
    const ts = Math.floor(session.authenticatedAt.epochMilliseconds / 1_000);
    const login = { accountId: account.id, amr: [...session.methods], ts, remember: true };
    return reply.redirect(await finish(request, reply, { login }), 303);
  });

  pages.post(PATH, { ...PAGE, schema: { hide: true, params: Params, body: Form } }, async (request, reply) => {
    const { form_token, decision } = request.body;
    forms.check(request, form_token);
    const details = await findDetails(request, reply, request.params.uid);
    const signedIn = await findSignedIn(context, request);
    if (!details || !signedIn || details.prompt.name !== 'consent') return sendExpired(request, reply);
    const result: InteractionResults =
      decision === 'continue'
        ? { consent: {} }
        : { error: 'access_denied', error_description: 'The person cancelled.' };
    return sendPage(
      reply,
      200,
      continuePage(wordsFor(request, signedIn.account), await finish(request, reply, result)),
    );
  });
}
