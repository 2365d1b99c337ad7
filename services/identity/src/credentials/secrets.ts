/** Random secrets that are handed out once and stored as a hash. */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SealingKey } from '@daybook/access';

const SECRET_BYTES = 32;

/** Returns 256 random bits in base64url. */
export const newSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/** A slow hash is not needed, because the secrets are random and long. */
export const hashOfSecret = (secret: string): Uint8Array => createHash('sha256').update(secret).digest();

/** Returns a key for one purpose, from the sealing key. */
export const deriveKey = (key: SealingKey, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key.secret, '', `daybook identity ${purpose}`, SECRET_BYTES));

/** Returns the code that proves that we wrote a text. */
export const authenticate = (text: string, key: Uint8Array): string =>
  createHmac('sha256', key).update(text).digest('base64url');

/** Compares in constant time. */
export function isSameText(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The letters and digits that people do not confuse (Crockford's base 32). */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUPS = 4;
const GROUP_LENGTH = 4;

/** Returns a code of 80 random bits for people to keep: `7K3M-9QXA-20VB-HT5D`. */
export function newRecoveryCode(): string {
  const letters = [...randomBytes(GROUPS * GROUP_LENGTH)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length));
  return Array.from({ length: GROUPS }, (_, group) =>
    letters.slice(group * GROUP_LENGTH, (group + 1) * GROUP_LENGTH).join(''),
  ).join('-');
}

/** Returns a typed code as `newRecoveryCode` wrote it, or undefined if it cannot be one. */
export function readRecoveryCode(text: string): string | undefined {
  const letters = text.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  if (letters.length !== GROUPS * GROUP_LENGTH || [...letters].some((letter) => !ALPHABET.includes(letter))) {
    return undefined;
  }
  return letters.match(/.{4}/g)?.join('-');
}
