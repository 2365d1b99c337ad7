import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSealingKey, seal, UnsealFailure, unseal } from './sealing.ts';

const newKey = () => parseSealingKey(randomBytes(32).toString('base64url'));
const key = newKey();
const secret = Buffer.from('correct horse battery staple');

function faultOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof UnsealFailure) return error.fault;
    throw error;
  }
  throw new Error('it was unsealed');
}

describe('a sealed secret', () => {
  it('is unsealed with its key at its place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.string(), (bytes, context) => {
        expect(unseal(seal(bytes, key, context), key, context)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('never looks the same twice, and does not hold the secret', () => {
    const [one, other] = [seal(secret, key, 'a'), seal(secret, key, 'a')];
    expect(one).not.toBe(other);
    expect(Buffer.from(one.split('.')[2] ?? '', 'base64url').includes(secret)).toBe(false);
    expect(one).toMatch(/^v1\.[\w-]{11}\.[\w-]+$/);
  });

  it('belongs to its place', () => {
    expect(faultOf(() => unseal(seal(secret, key, 'totp:ana'), key, 'totp:ben'))).toBe('not-authentic');
  });

  it('names the key that sealed it', () => {
    expect(faultOf(() => unseal(seal(secret, key, 'a'), newKey(), 'a'))).toBe('other-key');
  });

  it('is not unsealed with another key under the same id', () => {
    const pretending = { ...newKey(), id: key.id };
    expect(faultOf(() => unseal(seal(secret, key, 'a'), pretending, 'a'))).toBe('not-authentic');
  });

  it('is not unsealed after any change of a character', () => {
    const envelope = seal(secret, key, 'a');
    const character = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=');
    fc.assert(
      fc.property(fc.nat(envelope.length - 1), character, (position, replacement) => {
        fc.pre(envelope[position] !== replacement);
        faultOf(() => unseal(envelope.slice(0, position) + replacement + envelope.slice(position + 1), key, 'a'));
      }),
      { numRuns: 1_000 },
    );
    // The last character has bits that a lenient reader would ignore.
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      if (!envelope.endsWith(last)) faultOf(() => unseal(envelope.slice(0, -1) + last, key, 'a'));
    }
  });

  it('is not unsealed when it was cut, as a short tag would make forgery easy', () => {
    const envelope = seal(secret, key, 'a');
    for (let length = 0; length < envelope.length; length += 1) {
      faultOf(() => unseal(envelope.slice(0, length), key, 'a'));
    }
  });

  it.each(['', 'v1', 'v1..', 'v2.AAAAAAAAAAA.AAAA', `v1.${key.id}.AAAA`, `v1.${key.id}.${'A'.repeat(37)}`])(
    'is not the text %j',
    (text) => {
      expect(faultOf(() => unseal(text, key, 'a'))).toBe('malformed');
    },
  );

  it('holds an empty secret, too', () => {
    expect(unseal(seal(Buffer.alloc(0), key, 'a'), key, 'a')).toHaveLength(0);
  });
});
