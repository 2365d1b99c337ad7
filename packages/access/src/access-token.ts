/** The access tokens of Daybook: JWTs of RFC 9068. Identity signs them; the gateway and every service verify them. */
import { OneOf, ROLES, type VerifiedCaller } from '@daybook/contracts';
import { type Static, Type } from 'typebox';
import type { SigningKey } from './key-pair.ts';
import { signJws } from './strict-jws.ts';
import { createValidator } from './validator.ts';

/** The `typ` of the header. It keeps a token of another kind, such as an ID token, from being used as an access token. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';
/** The `aud` of a person's token. The token of a service names the service that it calls. */
export const PERSON_AUDIENCE = 'daybook';
/** The patients that one account may act for. */
export const MAX_PATIENTS = 50;
/** In characters. The token of an account with 50 patients has about 4,000. */
export const MAX_TOKEN_LENGTH = 8_192;
/** The longest token of identity lives 65 minutes. A longer one is a mistake of the issuer, and is rejected. */
export const MAX_LIFETIME_SECONDS = 2 * 60 * 60;

/** Lower case, as the databases hold it, because ids are compared as text. */
const Uuid = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
/** An account, a service, a client, a token or a session. */
const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._~:/-]{0,199}$' });
/** Seconds since 1970. */
const NumericDate = Type.Integer({ minimum: 0, maximum: 253_402_300_799 });

/** Unknown claims are ignored, so that identity can add one before all services know it. */
export const AccessTokenClaims = Type.Object({
  iss: Type.String({ minLength: 1, maxLength: 300 }),
  /** One audience. A token for several could be passed on from one to the other. */
  aud: Name,
  sub: Name,
  client_id: Name,
  iat: NumericDate,
  nbf: Type.Optional(NumericDate),
  exp: NumericDate,
  jti: Name,
  role: OneOf(ROLES),
  patient_ids: Type.Optional(Type.Array(Uuid, { maxItems: MAX_PATIENTS, uniqueItems: true })),
  doctor_id: Type.Optional(Uuid),
  /** When the person signed in, also if the token was issued later. */
  auth_time: Type.Optional(NumericDate),
  /** The hash of the id of a browser session. */
  sid: Type.Optional(Name),
  /** Operation ids separated by spaces. */
  scope: Type.Optional(Type.String({ maxLength: 3_000, pattern: '^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$' })),
});
export type AccessTokenClaims = Static<typeof AccessTokenClaims>;

export const isAccessTokenClaims = createValidator(AccessTokenClaims);

/** Returns the caller that claims name. It is frozen, because all requests with one token share it. */
export const callerOf = ({
  sub,
  role,
  patient_ids,
  doctor_id,
  auth_time,
  sid,
  scope,
}: AccessTokenClaims): VerifiedCaller =>
  Object.freeze({
    id: sub,
    role,
    patientIds: Object.freeze([...(patient_ids ?? [])]),
    ...(doctor_id !== undefined && { doctorId: doctor_id }),
    ...(auth_time !== undefined && { authenticatedAt: auth_time }),
    ...(sid !== undefined && { sessionId: sid }),
    ...(scope !== undefined && { scope: Object.freeze(scope.split(' ')) }),
  });

/**
 * Signs an access token.
 * @throws TypeError when a verifier would reject the claims or the length
 */
export async function signAccessToken(claims: AccessTokenClaims, key: SigningKey): Promise<string> {
  if (!isAccessTokenClaims(claims)) throw new TypeError('The claims do not match the schema of access tokens.');
  if (claims.exp - claims.iat > MAX_LIFETIME_SECONDS)
    throw new TypeError(`The token would live longer than ${MAX_LIFETIME_SECONDS} seconds.`);
  const token = await signJws(claims, ACCESS_TOKEN_TYPE, key);
  if (token.length > MAX_TOKEN_LENGTH)
    throw new TypeError(`The token would be longer than ${MAX_TOKEN_LENGTH} characters.`);
  return token;
}
