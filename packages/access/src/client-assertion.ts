/** The assertion by which a client proves to identity which one it is (RFC 7523, `private_key_jwt`). */
import { SignJWT } from 'jose';
import { ALGORITHM, type SigningKey } from './key-pair.ts';

/** An assertion is sent immediately. */
const LIVES_SECONDS = 60;

export interface ClientAssertion {
  readonly clientId: string;
  /** The URL of the issuer. */
  readonly audience: string;
  /** An assertion is accepted once. */
  readonly jti: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function signClientAssertion(
  { clientId, audience, jti, now }: ClientAssertion,
  { keyId, privateKey }: SigningKey,
): Promise<string> {
  const seconds = Math.floor(now / 1_000);
  return new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM, kid: keyId })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(jti)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + LIVES_SECONDS)
    .sign(privateKey);
}
