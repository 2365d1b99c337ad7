/** Time-based one-time passwords (RFC 6238), as all authenticator apps support them: SHA-1, 6 digits, 30 seconds. */
import { createHmac, randomBytes } from 'node:crypto';
import { isSameText } from './secrets.ts';

const STEP_MILLIS = 30_000;
const DIGITS = 6;
/** 160 bits, the length that RFC 4226 recommends. */
const SECRET_BYTES = 20;
/** How many steps the clock of a phone may be wrong. */
const TOLERANCE_STEPS = 1;
/** RFC 4648. */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export const newTotpSecret = (): Uint8Array => randomBytes(SECRET_BYTES);

/** Returns bytes in base 32, as authenticator apps read them. */
export function base32Of(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((group) => BASE32.charAt(Number.parseInt(group.padEnd(5, '0'), 2))).join('');
}

export const totpStepAt = (millis: number): number => Math.floor(millis / STEP_MILLIS);

/** Returns the code of a time step. */
export function totpCodeOf(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0xf;
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** DIGITS;
  return String(number).padStart(DIGITS, '0');
}

/** Returns a typed code without spaces, or undefined if it cannot be one. */
export function readTotpCode(text: string): string | undefined {
  const digits = text.replaceAll(/\s/g, '');
  return /^\d{6}$/.test(digits) ? digits : undefined;
}

/** Returns the time step that a code belongs to, if it is close enough to the given time. */
export function totpStepOf(secret: Uint8Array, code: string, millis: number): number | undefined {
  const now = totpStepAt(millis);
  let found: number | undefined;
  // Compares all of them, so that the time does not show which one matched.
  for (let step = now - TOLERANCE_STEPS; step <= now + TOLERANCE_STEPS; step += 1) {
    if (isSameText(totpCodeOf(secret, step), code)) found = step;
  }
  return found;
}

/** Returns the address that sets up an authenticator app. It has the issuer and the login, as the app shows them. */
export function totpAddress(secret: Uint8Array, issuer: string, login: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(login)}`;
  return `otpauth://totp/${label}?secret=${base32Of(secret)}&issuer=${encodeURIComponent(issuer)}`;
}
