/** Signing in at a foreign issuer: the way there, and the way back. */
import { Refusal } from '@daybook/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ForeignPerson } from '../domain/foreign-person.ts';
import { localPathOf } from '../domain/local-path.ts';
import { ATTEMPT_LIVES_MILLIS, type ForeignAttempt } from '../foreign/attempts.ts';
import { foreignPersonOf } from '../foreign/claims.ts';
import { ForeignSignInRejected } from '../foreign/foreign-issuer.ts';
import { ForeignIssuerUnavailable } from '../foreign/transport.ts';
import { deviceNameOf } from '../http/device-name.ts';
import { FOREIGN_SIGN_IN, failurePage } from '../pages/sign-in.ts';
import type { ForeignSignIn } from '../store/foreign-accounts.ts';
import type { Throttled } from '../store/throttle.ts';
import {
  adoptSession,
  type ForeignSignInDependencies,
  findSignedIn,
  PAGE,
  type PageContext,
  sendOn,
  sendPage,
  sendThrottled,
  wordsFor,
} from './page-context.ts';

const CALLBACK = '/identity/foreign/callback';
/** Discovery is tried again in this time. */
const RETRY_AFTER_SECONDS = 10;

const Query = Type.Object(
  { return_to: Type.Optional(Type.String({ maxLength: 2_000 })) },
  { additionalProperties: false },
);
/** An issuer may add parameters of its own. Those of the protocol are checked by openid-client, in the address. */
const CallbackQuery = Type.Object({}, { additionalProperties: true });

/** Returns the address to register at the foreign issuer. */
export const foreignCallbackAt = (publicUrl: URL): URL => new URL(CALLBACK, publicUrl);

export function addForeignSignIn(context: PageContext): void {
  if (context.foreign) addRoutes(context, context.foreign);
}

function addRoutes(context: PageContext, { issuer, attempts, accounts }: ForeignSignInDependencies): void {
  const { pages, passkeys, database, audit, throttle, addressOf } = context;

  /** Responds to a failure: the issuer is away, or what came back from there is not acceptable. */
  async function sendFailure(request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<FastifyReply> {
    const words = wordsFor(request);
    if (error instanceof ForeignIssuerUnavailable) {
      request.log.warn({ reason: error.reason }, 'foreign issuer not available');
      const page = failurePage(words, words.foreignAwayTitle, words.foreignAway(issuer.host));
      return sendPage(reply.header('retry-after', RETRY_AFTER_SECONDS), 503, page);
    }
    if (!(error instanceof ForeignSignInRejected)) throw error;
    request.log.info({ reason: error.reason }, 'sign-in at the foreign issuer rejected');
    return sendPage(reply, 400, failurePage(words, words.foreignFailedTitle, words.foreignFailed));
  }

  function sendTooMany(request: FastifyRequest, reply: FastifyReply, throttled: Throttled): FastifyReply {
    const words = wordsFor(request);
    const detail = words.tooManyAttempts(throttled.retryAfterSeconds);
    return sendThrottled(reply, throttled, failurePage(words, words.foreignFailedTitle, detail));
  }

  /** Accepts each callback once, whatever comes of it. */
  async function useAttempt({ state }: ForeignAttempt): Promise<void> {
    try {
      await database.write((tx) => passkeys.useChallengeIn(tx, state, ATTEMPT_LIVES_MILLIS));
    } catch (error) {
      if (error instanceof Refusal && error.code === 'changed-meanwhile') throw new ForeignSignInRejected('replayed');
      throw error;
    }
  }

  /** Returns the attempt that a callback belongs to, and what the issuer sent along. */
  function readCallback(request: FastifyRequest): { attempt: ForeignAttempt; callback: URL } {
    const attempt = attempts.find(request);
    if (!attempt) throw new ForeignSignInRejected('no-attempt');
    const { search } = new URL(request.raw.url ?? '', issuer.callback);
    const callback = new URL(search, issuer.callback);
    // Before the attempt counts as used: a link of a stranger must not end a sign-in that is on its way.
    if (callback.searchParams.get('state') !== attempt.state) throw new ForeignSignInRejected('state');
    return { attempt, callback };
  }

  async function personOf(callback: URL, attempt: ForeignAttempt): Promise<ForeignPerson> {
    await useAttempt(attempt);
    try {
      const person = foreignPersonOf(await issuer.redeem(callback, attempt), issuer.roleClaim);
      if (!person) throw new ForeignSignInRejected('subject');
      return person;
    } catch (error) {
      if (error instanceof ForeignSignInRejected) await audit.append({ action: 'sign-in-failed', detail: 'foreign' });
      throw error;
    }
  }

  async function sendResult(
    request: FastifyRequest,
    reply: FastifyReply,
    result: ForeignSignIn,
    returnTo: string | undefined,
  ): Promise<FastifyReply> {
    if ('refused' in result) {
      const words = wordsFor(request);
      const detail = result.refused === 'disabled' ? words.foreignDisabled : words.foreignNoRole(issuer.host);
      return sendPage(reply, 403, failurePage(words, words.noAccessTitle, detail));
    }
    const { account, sessionId } = result;
    await adoptSession(context, request, reply, { id: sessionId, email: undefined });
    return sendOn(wordsFor(request, account), reply, returnTo);
  }

  pages.get(FOREIGN_SIGN_IN, { ...PAGE, schema: { hide: true, querystring: Query } }, async (request, reply) => {
    // A person who is signed in has to show that nobody else sits there.
    const isFresh = (await findSignedIn(context, request)) !== undefined;
    const attempt = attempts.begin(reply, localPathOf(request.query.return_to));
    try {
      return reply.redirect((await issuer.authorizationUrl(attempt, isFresh)).href, 303);
    } catch (error) {
      return sendFailure(request, reply, error);
    }
  });

  pages.get(
    CALLBACK,
    { ...PAGE, exposeHeadRoute: false, schema: { hide: true, querystring: CallbackQuery } },
    async (request, reply) => {
      try {
        const { attempt, callback } = readCallback(request);
        const counted = await throttle.beginForeign(addressOf(request));
        if ('retryAfterSeconds' in counted) return sendTooMany(request, reply, counted);
        const person = await personOf(callback, attempt);
        await counted.succeed();
        attempts.end(reply);
        const device = deviceNameOf(request.headers['user-agent']);
        const result = await accounts.signIn(person, { device, language: wordsFor(request).language });
        return await sendResult(request, reply, result, attempt.returnTo);
      } catch (error) {
        return sendFailure(request, reply, error);
      }
    },
  );
}
