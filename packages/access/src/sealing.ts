/** Seals secrets at rest, such as signing keys and TOTP secrets, with AES-256-GCM. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { join } from 'node:path';
import { createSecretFile, readSecretFile, UnusableSecret } from './secret-file.ts';

export const SEALING_KEY_FILE = 'sealing-key';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** NIST SP 800-38D: the nonce of 96 bits is random, for far fewer than 2^32 secrets. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** An envelope has this version, the id of the key, and nonce, ciphertext and tag in base64url. */
const VERSION = 'v1';
const ENVELOPE = /^v1\.([\w-]{11})\.([\w-]+)$/;
const KEY_TEXT = /^[\w-]{43}$/;

export interface SealingKey {
  /** Identifies the key that sealed an envelope, and reveals nothing of the key. */
  readonly id: string;
  readonly secret: KeyObject;
}

export type UnsealFault = 'malformed' | 'other-key' | 'not-authentic';

const faultMessages: Readonly<Record<UnsealFault, string>> = {
  malformed: 'The text is not a sealed secret of a known version.',
  'other-key': 'The secret was sealed with another key. Set DAYBOOK_SEALING_KEY to that key.',
  'not-authentic': 'The sealed secret was changed, or belongs to another record.',
};

/** A secret that cannot be unsealed. */
export class UnsealFailure extends Error {
  override readonly name = 'UnsealFailure';
  readonly fault: UnsealFault;

  constructor(fault: UnsealFault, options?: ErrorOptions) {
    super(faultMessages[fault], options);
    this.fault = fault;
  }
}

function keyOf(bytes: Buffer): SealingKey {
  const id = createHash('sha256').update('daybook sealing key id').update(bytes).digest().subarray(0, 8);
  return { id: id.toString('base64url'), secret: createSecretKey(bytes) };
}

/**
 * Reads the value of `DAYBOOK_SEALING_KEY`: 32 bytes in base64url.
 * @throws UnusableSecret
 */
export function parseSealingKey(text: string, source = 'DAYBOOK_SEALING_KEY'): SealingKey {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, 'base64url');
  if (!KEY_TEXT.test(trimmed) || bytes.length !== KEY_BYTES) {
    throw new UnusableSecret(
      `The sealing key in ${source} is not 32 bytes in base64url. Restore it from your records.`,
    );
  }
  return keyOf(bytes);
}

/**
 * Returns the sealing key of a data folder, made at the first call. Processes that make it simultaneously get the same.
 * @throws UnusableSecret
 */
export async function prepareSealingKey(folder: string): Promise<SealingKey> {
  const path = join(folder, SEALING_KEY_FILE);
  const existing = await readSecretFile(path);
  if (existing !== undefined) return parseSealingKey(existing, path);
  await createSecretFile(path, `${randomBytes(KEY_BYTES).toString('base64url')}\n`);
  const made = await readSecretFile(path);
  if (made === undefined) {
    throw new UnusableSecret(`The sealing key ${path} was deleted while Daybook started. Start it again.`);
  }
  return parseSealingKey(made, path);
}

/** The associated data: an envelope is bound to its version, its key and the place that it was made for. */
const associatedData = (keyId: string, context: string): Buffer => Buffer.from(`${VERSION}.${keyId}.${context}`);

/**
 * Seals a secret.
 * @param context the place of the secret, such as `signing-key:ID`. Nothing else unseals it, so that two envelopes in
 *   a database cannot be exchanged.
 */
export function seal(secret: Uint8Array, key: SealingKey, context: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.secret, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(key.id, context));
  const sealed = Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return `${VERSION}.${key.id}.${sealed.toString('base64url')}`;
}

function openBytes(sealed: Buffer, key: SealingKey, context: string): Buffer {
  const decipher = createDecipheriv(CIPHER, key.secret, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(key.id, context));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const ciphertext = sealed.subarray(NONCE_BYTES, -TAG_BYTES);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

/**
 * Returns the secret in an envelope.
 * @throws UnsealFailure
 */
export function unseal(envelope: string, key: SealingKey, context: string): Buffer {
  const [, keyId, text] = ENVELOPE.exec(envelope) ?? [];
  if (keyId === undefined || text === undefined) throw new UnsealFailure('malformed');
  if (keyId !== key.id) throw new UnsealFailure('other-key');
  const sealed = Buffer.from(text, 'base64url');
  const isCanonical = sealed.toString('base64url') === text;
  if (!isCanonical || sealed.length < NONCE_BYTES + TAG_BYTES) throw new UnsealFailure('malformed');
  try {
    return openBytes(sealed, key, context);
  } catch (error) {
    throw new UnsealFailure('not-authentic', { cause: error });
  }
}
