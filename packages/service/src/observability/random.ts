/** Random ids. Randomness is cheap by the pool and dear by the piece, and every request needs some. */
import { randomBytes } from 'node:crypto';

const POOL_BYTES = 4096;
let pool = '';
let used = 0;

/** So many hexadecimal digits, at most as many as the pool has. */
export function randomHex(digits: number): string {
  if (used + digits > pool.length) {
    pool = randomBytes(POOL_BYTES).toString('hex');
    used = 0;
  }
  used += digits;
  return pool.slice(used - digits, used);
}

/** What `crypto.randomUUID` gives (RFC 9562, version 4). */
export function randomId(): string {
  const hex = randomHex(31);
  // Of this digit two bits are set.
  const variant = '89ab'[Number.parseInt(hex.slice(30), 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-${variant}${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
}
