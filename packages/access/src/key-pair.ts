/** The keys of Daybook's tokens: ES256 on P-256. A key id is the thumbprint of its key (RFC 7638), so it names one key. */
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import { type Static, Type } from 'typebox';
import { createValidator } from './validator.ts';

/** The one algorithm of all signatures. */
export const ALGORITHM = 'ES256';

export interface SigningKey {
  readonly keyId: string;
  readonly privateKey: CryptoKey;
}

export interface VerificationKey {
  readonly keyId: string;
  readonly publicKey: CryptoKey;
}

/** 32 bytes in base64url. */
const Coordinate = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
const curve = { kty: Type.Literal('EC'), crv: Type.Literal('P-256'), x: Coordinate, y: Coordinate };

/** A public key as the key set lists it. Other members are rejected: `d` would publish the private key. */
export const PublicJwk = Type.Object(
  { ...curve, kid: Coordinate, alg: Type.Literal(ALGORITHM), use: Type.Literal('sig') },
  { additionalProperties: false },
);
export type PublicJwk = Static<typeof PublicJwk>;

const PrivateJwk = Type.Object({ ...curve, d: Coordinate });
/** A private key as files and databases hold it. The other members of a JWK are allowed, and ignored. */
export type PrivateJwk = Static<typeof PrivateJwk>;

export const isPrivateJwk = createValidator(PrivateJwk);

/** A key that does not have the form of ES256, or whose halves do not belong together. The message holds no part of it. */
export class InvalidKey extends Error {
  override readonly name = 'InvalidKey';
}

type Point = Pick<PrivateJwk, 'kty' | 'crv' | 'x' | 'y'>;

/** Returns the RFC 7638 thumbprint of a key. */
export const keyIdOf = ({ kty, crv, x, y }: Point): Promise<string> => calculateJwkThumbprint({ kty, crv, x, y });

/** Returns the public half of a key, for a key set. */
export async function publicJwkOf(jwk: Point): Promise<PublicJwk> {
  const { kty, crv, x, y } = jwk;
  return { kty, crv, x, y, kid: await keyIdOf(jwk), alg: ALGORITHM, use: 'sig' };
}

/** Makes a key pair, in the form in which it is stored. */
export async function generatePrivateJwk(): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  if (!isPrivateJwk(jwk)) throw new InvalidKey('The generated key is not an EC key on P-256.');
  return jwk;
}

async function importKey(jwk: Point & { readonly d?: string }): Promise<CryptoKey> {
  try {
    const key = await importJWK({ ...jwk }, ALGORITHM);
    if (!(key instanceof Uint8Array)) return key;
  } catch (error) {
    throw new InvalidKey('The key is not a point of P-256.', { cause: error });
  }
  throw new InvalidKey('The key is not asymmetric.');
}

/**
 * Returns a key to verify with.
 * @throws InvalidKey
 */
export async function importVerificationKey({ kty, crv, x, y }: Point): Promise<VerificationKey> {
  const point = { kty, crv, x, y };
  return { keyId: await keyIdOf(point), publicKey: await importKey(point) };
}

const PROBE = new TextEncoder().encode('Do these halves belong together?');
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };

/**
 * Returns a key to sign with.
 * @throws InvalidKey when the private half does not belong to the public one, whose signatures nothing would verify
 */
export async function importSigningKey({ kty, crv, x, y, d }: PrivateJwk): Promise<SigningKey> {
  const { keyId, publicKey } = await importVerificationKey({ kty, crv, x, y });
  const privateKey = await importKey({ kty, crv, x, y, d });
  const signature = await crypto.subtle.sign(SIGNATURE, privateKey, PROBE);
  const isPair = await crypto.subtle.verify(SIGNATURE, publicKey, signature, PROBE);
  if (!isPair) throw new InvalidKey('The private half of the key does not belong to the public half.');
  return { keyId, privateKey };
}
