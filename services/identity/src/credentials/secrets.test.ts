import { expect, it } from 'vitest';
import { newRecoveryCode, newSecret, readRecoveryCode } from './secrets.ts';

it('a secret has 256 random bits', () => {
  const secrets = Array.from({ length: 100 }, newSecret);
  expect(new Set(secrets).size).toBe(100);
  for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
});

it('a recovery code is read as people write it', () => {
  const code = newRecoveryCode();
  expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  for (const written of [code, code.toLowerCase(), code.replaceAll('-', ''), ` ${code.replaceAll('-', ' ')} `]) {
    expect(readRecoveryCode(written)).toBe(code);
  }
  expect(readRecoveryCode('oooo-iiii-llll-0000')).toBe('0000-1111-1111-0000');
});

it.each(['', '0000-0000-0000', '0000-0000-0000-000U', '0000-0000-0000-00000', '!!!!-0000-0000-0000'])(
  'a recovery code is not %j',
  (text) => expect(readRecoveryCode(text)).toBeUndefined(),
);
