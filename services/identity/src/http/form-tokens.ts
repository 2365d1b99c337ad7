/** Form tokens: a form is accepted only from a page of ours that this browser got in its present session. */
import { Refusal } from '@daybook/contracts';
import { crossSite, isCrossSite } from '@daybook/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { authenticate, isSameText, newSecret } from '../credentials/secrets.ts';
import type { Cookies } from './cookies.ts';

export interface FormTokens {
  /** Returns the token for a form, and gives the browser the secret that it is bound to. */
  issue(request: FastifyRequest, reply: FastifyReply): string;
  /** Gives the browser a new secret, so that forms of before a sign-in are no longer accepted. */
  renew(reply: FastifyReply): void;
  /** @throws Refusal `cross-site-request` */
  check(request: FastifyRequest, token: string): void;
}

const SECRET = /^[\w-]{43}$/;

export const expiredForm = (): Refusal =>
  new Refusal('cross-site-request', 'The page is too old, or cookies are off. Load it again.');

export function createFormTokens(cookies: Cookies, key: Uint8Array, publicOrigin: string): FormTokens {
  const { names } = cookies;

  /** The token of a secret changes with the session. */
  const tokenOf = (request: FastifyRequest, secret: string): string =>
    authenticate(`${secret}.${cookies.get(request, names.session) ?? ''}`, key);

  const secretOf = (request: FastifyRequest): string | undefined => {
    const secret = cookies.get(request, names.form);
    return secret !== undefined && SECRET.test(secret) ? secret : undefined;
  };

  return {
    issue(request, reply) {
      const existing = secretOf(request);
      const secret = existing ?? newSecret();
      if (existing === undefined) cookies.set(reply, names.form, secret);
      return tokenOf(request, secret);
    },
    renew: (reply) => cookies.set(reply, names.form, newSecret()),
    check(request, token) {
      // Also behind a gateway, which may let other origins use the API.
      if (isCrossSite(request.raw, publicOrigin)) throw crossSite();
      const secret = secretOf(request);
      if (secret === undefined || !isSameText(tokenOf(request, secret), token)) throw expiredForm();
    },
  };
}
