/** The signed key set: the keys that sign access tokens, signed by the root key. It makes any path to it trustworthy. */
import type { CryptoKey } from 'jose';
import { type Static, Type } from 'typebox';
import { CLOCK_TOLERANCE_SECONDS } from './clock.ts';
import { InvalidKey, importVerificationKey, PublicJwk, type SigningKey, type VerificationKey } from './key-pair.ts';
import { InvalidJws, signJws, verifyJws } from './strict-jws.ts';
import { createValidator } from './validator.ts';

/** The `typ` of the header. It keeps another text that the root key signed from being used as a key set. */
export const KEY_SET_TYPE = 'jwk-set+jwt';
/** The next, the current and some retired keys. */
const MAX_KEYS = 16;
/** In characters. A set of 16 keys has about 5,000. */
export const MAX_KEY_SET_LENGTH = 16_384;

const NumericDate = Type.Integer({ minimum: 0, maximum: 253_402_300_799 });

/** Unknown members are ignored, so that identity can add one before all services know it. */
export const KeySetPayload = Type.Object({
  keys: Type.Array(PublicJwk, { minItems: 1, maxItems: MAX_KEYS }),
  /** When identity made this list. A list never replaces a newer one. */
  iat: NumericDate,
  /** After this second no token can be verified with the set. */
  exp: NumericDate,
});
export type KeySetPayload = Static<typeof KeySetPayload>;

const isKeySetPayload = createValidator(KeySetPayload);

/** A verified key set. */
export interface KeySet {
  readonly keys: ReadonlyMap<string, CryptoKey>;
  readonly issuedAtMillis: number;
  readonly expiresAtMillis: number;
}

export type KeySetFault = 'signature' | 'payload' | 'key' | 'expired' | 'not-yet-valid' | 'older';

/** A key set that is not acceptable. */
export class InvalidKeySet extends Error {
  override readonly name = 'InvalidKeySet';
  readonly fault: KeySetFault;

  constructor(fault: KeySetFault, options?: ErrorOptions) {
    super(`The signed key set is not acceptable: ${fault}.`, options);
    this.fault = fault;
  }
}

/**
 * Signs a key set with the root key.
 * @throws TypeError when a verifier would reject the payload, for example because a key has its private half
 */
export async function signKeySet(payload: KeySetPayload, rootKey: SigningKey): Promise<string> {
  if (!isKeySetPayload(payload)) throw new TypeError('The key set does not match its schema.');
  return signJws(payload, KEY_SET_TYPE, rootKey);
}

async function importKeys(listed: readonly PublicJwk[]): Promise<Map<string, CryptoKey>> {
  const keys = new Map<string, CryptoKey>();
  for (const jwk of listed) {
    const { keyId, publicKey } = await importVerificationKey(jwk);
    // The id of a key is its thumbprint, so an id never stands for another key than before.
    if (keyId !== jwk.kid || keys.has(keyId)) throw new InvalidKeySet('key');
    keys.set(keyId, publicKey);
  }
  return keys;
}

async function readPayload(text: string, { keyId, publicKey }: VerificationKey): Promise<unknown> {
  const { payload } = await verifyJws(text, {
    types: [KEY_SET_TYPE],
    maxLength: MAX_KEY_SET_LENGTH,
    findKey: async (kid) => (kid === keyId ? publicKey : undefined),
  });
  return payload;
}

/**
 * Verifies a key set with the root key, and with no other key.
 * @throws InvalidKeySet
 */
export async function verifyKeySet(text: string, rootKey: VerificationKey, nowMillis: number): Promise<KeySet> {
  try {
    const payload = await readPayload(text, rootKey);
    if (!isKeySetPayload(payload)) throw new InvalidKeySet('payload');
    const { keys, iat, exp } = payload;
    if (nowMillis >= exp * 1_000) throw new InvalidKeySet('expired');
    if (iat * 1_000 > nowMillis + CLOCK_TOLERANCE_SECONDS * 1_000) throw new InvalidKeySet('not-yet-valid');
    return { keys: await importKeys(keys), issuedAtMillis: iat * 1_000, expiresAtMillis: exp * 1_000 };
  } catch (error) {
    if (error instanceof InvalidJws) throw new InvalidKeySet('signature', { cause: error });
    if (error instanceof InvalidKey) throw new InvalidKeySet('key', { cause: error });
    throw error;
  }
}
