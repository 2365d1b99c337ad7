/**
 * The root key signs the key set and is the trust anchor of all tokens. Its private half is in the data folder of
 * identity, or in `DAYBOOK_IDENTITY_ROOT_KEY` where the processes share no folder. Every other process knows the public
 * half, from `DAYBOOK_IDENTITY_KEY` or from the same folder.
 */
import { join } from 'node:path';
import { Type } from 'typebox';
import {
  generatePrivateJwk,
  InvalidKey,
  importSigningKey,
  importVerificationKey,
  isPrivateJwk,
  type PrivateJwk,
  PublicJwk,
  publicJwkOf,
  type SigningKey,
  type VerificationKey,
} from './key-pair.ts';
import { createSecretFile, readSecretFile, UnusableSecret } from './secret-file.ts';
import { createValidator } from './validator.ts';

export const ROOT_KEY_FILE = 'identity-root-key.json';

/** Both halves of the root key. */
export interface RootKey {
  readonly signing: SigningKey;
  readonly verification: VerificationKey;
  /** The public half, as the value of `DAYBOOK_IDENTITY_KEY`. */
  readonly identityKey: string;
}

/** A public key in the variable. An operator may have copied it from elsewhere, without the optional members. */
const { kty, crv, x, y, kid, alg, use } = PublicJwk.properties;
const isIdentityKey = createValidator(
  Type.Object(
    { kty, crv, x, y, kid: Type.Optional(kid), alg: Type.Optional(alg), use: Type.Optional(use) },
    { additionalProperties: false },
  ),
);

/** Returns the public half of a key as the value of `DAYBOOK_IDENTITY_KEY`. */
export const formatIdentityKey = async (jwk: Pick<PrivateJwk, 'kty' | 'crv' | 'x' | 'y'>): Promise<string> =>
  Buffer.from(JSON.stringify(await publicJwkOf(jwk))).toString('base64url');

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A value that is not JSON is reported as not matching, without the text that a SyntaxError quotes.
    return undefined;
  }
}

const FORM = 'It must be the base64url of a public JWK with kty EC and crv P-256.';

/**
 * Reads the value of `DAYBOOK_IDENTITY_KEY`, or of another setting that messages name.
 * @throws UnusableSecret
 */
export async function parseIdentityKey(text: string, name = 'DAYBOOK_IDENTITY_KEY'): Promise<VerificationKey> {
  const jwk = parseJson(Buffer.from(text, 'base64url').toString('utf8'));
  if (isPrivateJwk(jwk)) {
    throw new UnusableSecret(`${name} holds a private key. Replace the root key, because others may have read it.`);
  }
  if (!isIdentityKey(jwk)) throw new UnusableSecret(`${name} is not a key. ${FORM}`);
  try {
    const key = await importVerificationKey(jwk);
    if (jwk.kid === undefined || jwk.kid === key.keyId) return key;
  } catch (error) {
    if (!(error instanceof InvalidKey)) throw error;
    throw new UnusableSecret(`${name} is not a key. ${FORM}`, { cause: error });
  }
  throw new UnusableSecret(`The kid of ${name} is not the thumbprint of its key. Copy the value again.`);
}

/** @throws UnusableSecret with the message, which must not hold the text */
async function rootKeyOf(text: string, message: string): Promise<RootKey> {
  const jwk = parseJson(text);
  try {
    if (!isPrivateJwk(jwk)) throw new InvalidKey('The text is not a private JWK.');
    return {
      signing: await importSigningKey(jwk),
      verification: await importVerificationKey(jwk),
      identityKey: await formatIdentityKey(jwk),
    };
  } catch (error) {
    if (!(error instanceof InvalidKey)) throw error;
    throw new UnusableSecret(message, { cause: error });
  }
}

/**
 * Reads the value of `DAYBOOK_IDENTITY_ROOT_KEY`: the private JWK in base64url.
 * @throws UnusableSecret
 */
export const parseRootKey = (text: string): Promise<RootKey> =>
  rootKeyOf(
    Buffer.from(text, 'base64url').toString('utf8'),
    'DAYBOOK_IDENTITY_ROOT_KEY is not a key. It must be the base64url of a private JWK with kty EC and crv P-256.',
  );

/**
 * Returns the root key of a data folder, or undefined if it has none yet.
 * @throws UnusableSecret
 */
export async function readRootKey(folder: string): Promise<RootKey | undefined> {
  const path = join(folder, ROOT_KEY_FILE);
  const text = await readSecretFile(path);
  const advice = 'Restore it, or delete it, and Daybook makes a new one: then everyone signs in again.';
  return text === undefined ? undefined : rootKeyOf(text, `The root key ${path} cannot be used. ${advice}`);
}

/**
 * Returns the root key of a data folder, made at the first call. Processes that make it simultaneously get the same.
 * @throws UnusableSecret
 */
export async function prepareRootKey(folder: string): Promise<RootKey> {
  const existing = await readRootKey(folder);
  if (existing) return existing;
  const path = join(folder, ROOT_KEY_FILE);
  await createSecretFile(path, `${JSON.stringify(await generatePrivateJwk())}\n`);
  const made = await readRootKey(folder);
  if (!made) throw new UnusableSecret(`The root key ${path} was deleted while Daybook started. Start it again.`);
  return made;
}
