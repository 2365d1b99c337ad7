/**
 * Sign-ins on their way at a foreign issuer. Nothing is stored: a cookie has a random secret, signed together with the
 * end and the page to return to, and the values of the protocol follow from it. So only the browser that began a
 * sign-in can end it.
 */
import { type Clock, createValidator } from '@daybook/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { authenticate, isSameText, newSecret } from '../credentials/secrets.ts';
import type { Cookies } from '../http/cookies.ts';

export interface ForeignAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** The path to continue at. */
  readonly returnTo: string | undefined;
}

export interface ForeignAttempts {
  /** Begins a sign-in in a browser, which ends another one there. */
  begin(reply: FastifyReply, returnTo: string | undefined): ForeignAttempt;
  /** Returns the sign-in that the browser has begun, unless it has expired. */
  find(request: FastifyRequest): ForeignAttempt | undefined;
  end(reply: FastifyReply): void;
}

/** People look for a phone or a password in this time. */
export const ATTEMPT_LIVES_MILLIS = 10 * 60_000;
const COOKIE = /^([\w-]{1,4000})\.([\w-]{43})$/;

const readPayload = createValidator(
  Type.Object({ secret: Type.String(), endsAt: Type.Integer(), returnTo: Type.Optional(Type.String()) }),
);

export function createForeignAttempts(cookies: Cookies, key: Uint8Array, clock: Clock): ForeignAttempts {
  const name = cookies.names.foreign;
  const codeOf = (payload: string): string => authenticate(`cookie.${payload}`, key);

  const attemptOf = (payload: string, returnTo: string | undefined): ForeignAttempt => ({
    state: authenticate(`state.${payload}`, key),
    nonce: authenticate(`nonce.${payload}`, key),
    codeVerifier: authenticate(`verifier.${payload}`, key),
    returnTo,
  });

  return {
    begin(reply, returnTo) {
      const endsAt = clock().epochMilliseconds + ATTEMPT_LIVES_MILLIS;
      const content = { secret: newSecret(), endsAt, ...(returnTo !== undefined && { returnTo }) };
      const payload = Buffer.from(JSON.stringify(content)).toString('base64url');
      cookies.set(reply, name, `${payload}.${codeOf(payload)}`, ATTEMPT_LIVES_MILLIS / 1_000);
      return attemptOf(payload, returnTo);
    },

    find(request) {
      const [, payload = '', code = ''] = COOKIE.exec(cookies.get(request, name) ?? '') ?? [];
      if (!isSameText(codeOf(payload), code)) return undefined;
      const read = readPayload(JSON.parse(Buffer.from(payload, 'base64url').toString()));
      if ('faults' in read || read.value.endsAt <= clock().epochMilliseconds) return undefined;
      return attemptOf(payload, read.value.returnTo);
    },

    end: (reply) => cookies.clear(reply, name),
  };
}
