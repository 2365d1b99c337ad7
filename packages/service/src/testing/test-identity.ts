/**
 * An issuer for the tests of services: real keys and real signatures, without the identity service. Its administrator
 * sends the requests of tests that name no other caller.
 */
import {
  type AccessTokenClaims,
  createTokenVerifier,
  generatePrivateJwk,
  importSigningKey,
  importVerificationKey,
  PERSON_AUDIENCE,
  signAccessToken,
} from '@daybook/access';
import type { VerifiedCaller } from '@daybook/contracts';
import type { Authenticator } from '../access/authenticator.ts';
import { systemClock } from '../lifecycle/clock.ts';

const ISSUER = 'http://127.0.0.1:8080/identity';
const LIVES_SECONDS = 60 * 60;

const jwk = await generatePrivateJwk();
const signingKey = await importSigningKey(jwk);
const verificationKey = await importVerificationKey(jwk);
const keys = new Map([[verificationKey.keyId, verificationKey.publicKey]]);

/** The caller of a test: a role, and what makes it a certain person or service. */
export type TestCaller = Pick<VerifiedCaller, 'role'> & Partial<VerifiedCaller>;

export const ADMINISTRATOR = {
  id: 'administrator',
  role: 'administrator',
  patientIds: [],
} as const satisfies TestCaller;

/** Creates the authenticator of a service under test. */
export function testAuthenticator(audience: string, { hasPublicPage = false } = {}): Authenticator {
  const { verify } = createTokenVerifier({
    issuer: ISSUER,
    audiences: [PERSON_AUDIENCE, audience],
    keys: { peek: (id) => keys.get(id), find: async (id) => keys.get(id) },
    clock: systemClock,
  });
  return { issuer: ISSUER, hasPublicPage, verify };
}

/** Returns the claims of a caller's token. `audience` is the service that a service calls. */
function claimsOf(caller: TestCaller, audience: string) {
  const { id, role, patientIds = [], doctorId, authenticatedAt, sessionId, scope } = caller;
  const iat = Math.floor(systemClock().epochMilliseconds / 1_000);
  return {
    iss: ISSUER,
    aud: role === 'service' ? audience : PERSON_AUDIENCE,
    sub: id ?? role,
    client_id: 'tests',
    iat,
    exp: iat + LIVES_SECONDS,
    jti: crypto.randomUUID(),
    role,
    ...(patientIds.length > 0 && { patient_ids: [...patientIds] }),
    ...(doctorId !== undefined && { doctor_id: doctorId }),
    ...(role !== 'service' && { auth_time: authenticatedAt ?? iat }),
    ...(sessionId !== undefined && { sid: sessionId }),
    ...(scope !== undefined && { scope: scope.join(' ') }),
  } satisfies AccessTokenClaims;
}

const tokens = new Map<string, Promise<string>>();

/** Returns the token of a caller, the same each time. */
export function tokenOf(caller: TestCaller, audience = PERSON_AUDIENCE): Promise<string> {
  const key = JSON.stringify([caller, audience]);
  const token = tokens.get(key) ?? signAccessToken(claimsOf(caller, audience), signingKey);
  tokens.set(key, token);
  return token;
}

/** Returns the headers of a caller's requests. */
export const authorizationOf = async (caller: TestCaller, audience?: string): Promise<{ authorization: string }> => ({
  authorization: `Bearer ${await tokenOf(caller, audience)}`,
});
