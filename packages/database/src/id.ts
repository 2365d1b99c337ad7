/** Ids are UUIDv7: text outside, 16 bytes in the database. */
import { randomUUIDv7 } from 'node:crypto';

let latest = '';

/** Returns the next number after an id (RFC 9562, section 6.2, method 2). */
const successorOf = (id: string): string =>
  `${id.slice(0, 24)}${(Number.parseInt(id.slice(24), 16) + 1).toString(16).padStart(12, '0')}`;

/** Returns an id greater than all earlier ones of this process. Node's own ids do not rise within a millisecond. */
export function newId(): string {
  const fresh = randomUUIDv7();
  latest = fresh > latest ? fresh : successorOf(latest);
  return latest;
}

export const idToBytes = (id: string): Uint8Array => Buffer.from(id.replaceAll('-', ''), 'hex');

export function idFromBytes(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
