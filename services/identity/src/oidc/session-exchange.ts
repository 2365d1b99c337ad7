/**
 * Lets the gateway exchange a person's session for a token that stays inside (RFC 8693). The browser has the session
 * only, and the gateway keeps no database. The gateway repeats this every minute, so a session that has ended is
 * noticed within a minute.
 */
import { randomUUID } from 'node:crypto';
import { importSigningKey, PERSON_AUDIENCE, signAccessToken } from '@daybook/access';
import type { Clock } from '@daybook/service';
import type { Provider } from 'oidc-provider';
import type { SigningRing } from '../keys/signing-ring.ts';
import type { AccountStore } from '../store/accounts.ts';
import type { SessionStore, SignedIn } from '../store/sessions.ts';
import { translateUnavailable } from './adapter.ts';
import type { Library } from './library.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** The type of `subject_token`: the value of the session cookie. */
export const SESSION_TOKEN = 'urn:daybook:token-type:session';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** The only client that may exchange sessions. */
export const GATEWAY = 'gateway-service';

/** How long a token lives at most. The gateway can use it while this service is away. */
const LIVES_SECONDS = 65 * 60;

export interface SessionExchangeOptions {
  readonly issuer: string;
  readonly accounts: AccountStore;
  readonly sessions: SessionStore;
  readonly ring: SigningRing;
  readonly clock: Clock;
}

export interface SessionToken {
  readonly token: string;
  readonly livesSeconds: number;
}

/** Signs the token of a session. It never outlives the session. */
async function signFor(
  options: SessionExchangeOptions,
  { account, session }: SignedIn,
): Promise<SessionToken | undefined> {
  const { issuer, accounts, ring, clock } = options;
  const claims = await accounts.findClaims(account.id);
  if (!claims) return undefined;
  const { current } = await ring.read();
  const iat = Math.floor(clock().epochMilliseconds / 1_000);
  const exp = Math.min(iat + LIVES_SECONDS, Math.floor(session.endsAt.epochMilliseconds / 1_000));
  const { doctorId } = claims.account;
  const token = await signAccessToken(
    {
      iss: issuer,
      aud: PERSON_AUDIENCE,
      sub: account.id,
      client_id: GATEWAY,
      iat,
      exp,
      jti: randomUUID(),
      role: claims.account.role,
      ...(claims.patientIds.length > 0 && { patient_ids: [...claims.patientIds] }),
      ...(doctorId !== undefined && { doctor_id: doctorId }),
      auth_time: Math.floor(session.authenticatedAt.epochMilliseconds / 1_000),
      sid: session.handle,
    },
    await importSigningKey(current.privateJwk),
  );
  return { token, livesSeconds: exp - iat };
}

/** @param isActive whether the person did something, which renews the idle time; streams and polls do not */
async function exchange(
  options: SessionExchangeOptions,
  id: string,
  isActive: boolean,
): Promise<SessionToken | undefined> {
  const signedIn = await options.sessions.find(id, { isActive });
  return signedIn && signFor(options, signedIn);
}

export function addSessionExchange(provider: Provider, library: Library, options: SessionExchangeOptions): void {
  const { errors } = library;
  const parameters = ['subject_token', 'subject_token_type', 'activity'] as const;
  provider.registerGrantType(
    TOKEN_EXCHANGE,
    async (ctx) => {
      const { subject_token: id, subject_token_type: type, activity } = ctx.oidc.params;
      if (typeof id !== 'string' || type !== SESSION_TOKEN) throw new errors.InvalidRequest('send a session');
      const made = await translateUnavailable(library, exchange(options, id, activity === 'true'));
      if (!made) throw new errors.InvalidGrant({ detail: 'the session has ended' });
      ctx.body = {
        access_token: made.token,
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: made.livesSeconds,
      };
    },
    [...parameters],
  );
}
