/** Random ids. Random bytes are cheap in bulk but expensive one by one, and every request needs some. */
import { randomBytes } from 'node:crypto';

const POOL_BYTES = 4096;
let pool = '';
let used = 0;

/** Returns hexadecimal digits, at most as many as the pool holds. */
export function randomHex(digits: number): string {
  if (used + digits > pool.length) {
    pool = randomBytes(POOL_BYTES).toString('hex');
    used = 0;
  }
  used += digits;
  return pool.slice(used - digits, used);
}

/** Returns an id like `crypto.randomUUID` (RFC 9562, version 4). */
export function randomId(): string {
  const hex = randomHex(31);
  // Two bits of this digit are fixed.
  const variant = '89ab'[Number.parseInt(hex.slice(30), 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-${variant}${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
}
