import { expect, it } from 'vitest';
import { base32Of, newTotpSecret, readTotpCode, totpAddress, totpCodeOf, totpStepAt, totpStepOf } from './totp.ts';

/** RFC 6238, appendix B, for SHA-1; the last six of its eight digits. */
const SECRET = Buffer.from('12345678901234567890');
const VECTORS: [number, string][] = [
  [59, '287082'],
  [1111111109, '081804'],
  [1111111111, '050471'],
  [1234567890, '005924'],
  [2000000000, '279037'],
  [20000000000, '353130'],
];

it.each(VECTORS)('the code at second %d is %s, as in RFC 6238', (second, code) => {
  expect(totpCodeOf(SECRET, totpStepAt(second * 1_000))).toBe(code);
});

it.each([
  [-2, false],
  [-1, true],
  [0, true],
  [1, true],
  [2, false],
])('a code of %d steps away is accepted: %s', (steps, isAccepted) => {
  const now = 1_111_111_109_000;
  const step = totpStepAt(now) + steps;
  expect(totpStepOf(SECRET, totpCodeOf(SECRET, step), now)).toBe(isAccepted ? step : undefined);
});

it('a code is read with spaces, and nothing else is a code', () => {
  expect(readTotpCode(' 081 804 ')).toBe('081804');
  for (const text of ['', '81804', '0818041', '08180a', '٠٨١٨٠٤']) expect(readTotpCode(text)).toBeUndefined();
});

it('a secret is written in base 32, as apps read it', () => {
  expect(base32Of(SECRET)).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
  expect(base32Of(newTotpSecret())).toMatch(/^[A-Z2-7]{32}$/);
  expect(totpAddress(SECRET, 'Daybook', 'ana+1@example.org')).toBe(
    'otpauth://totp/Daybook:ana%2B1%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Daybook',
  );
});
