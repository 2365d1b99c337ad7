import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from './cursor.ts';

const part = fc.oneof(fc.string({ unit: 'grapheme' }), fc.maxSafeInteger());
const shapeOf = (key: readonly (string | number)[]) =>
  key.map((item) => (typeof item === 'string' ? 'string' : 'number'));
const refused = expect.objectContaining({ code: 'invalid-request' });

describe('a cursor', () => {
  it('is read back as the key that it was made of', () => {
    fc.assert(
      fc.property(fc.array(part), (key) => {
        expect(decodeCursor(encodeCursor(key), shapeOf(key))).toEqual(key);
      }),
    );
  });

  it('can stand in a URL as it is', () => {
    fc.assert(
      fc.property(fc.array(part), (key) => {
        expect(encodeCursor(key)).toMatch(/^[\w-]*$/);
      }),
    );
  });

  it.each([
    ['empty', ''],
    ['not of JSON', 'bm9uc2Vuc2U'],
    ['a word', 'nonsense'],
    ['not of base64', '§§§'],
    ['of another list', encodeCursor(['a'])],
    ['with a part too many', encodeCursor(['a', 1, 1])],
    ['with its parts swapped', encodeCursor([1, 'a'])],
    ['with half a number', encodeCursor(['a', 1.5])],
    ['with a number beyond all', Buffer.from('["a",1e999]').toString('base64url')],
    ['with null', Buffer.from('["a",null]').toString('base64url')],
    ['with an object', Buffer.from('["a",{}]').toString('base64url')],
    ['that is an object', Buffer.from('{"0":"a","1":1,"length":2}').toString('base64url')],
    ['that is a text of the same length', Buffer.from('"ab"').toString('base64url')],
  ])('that is %s is refused', (_what, cursor) => {
    expect(() => decodeCursor(cursor, ['string', 'number'])).toThrow(refused);
  });

  it.each([
    ['a word', 'ana'],
    ['empty', ''],
    ['a UUID too short', '01890000-0000-7000-8000-00000000000'],
    ['a UUID and more', '01890000-0000-7000-8000-000000000000 '],
    ['a UUID in another notation', '01890000-0000-7000-8000-00000000000A'],
    ['a number', 1],
  ])('whose id is %s is refused', (_what, id) => {
    expect(() => decodeCursor(encodeCursor([1, id]), ['number', 'id'])).toThrow(refused);
  });

  it('is read back with the id that it was made of', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(decodeCursor(encodeCursor([id]), ['id'])).toEqual([id]);
      }),
    );
  });

  it('that was tampered with is refused or read as a key of the same shape, and never fails otherwise', () => {
    const cursor = encodeCursor(['2026-11-23', 1_795_442_400_000]);
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, letter) => {
        const tampered = cursor.slice(0, at) + letter + cursor.slice(at + 1);
        try {
          expect(shapeOf(decodeCursor(tampered, ['string', 'number']))).toEqual(['string', 'number']);
        } catch (error) {
          expect(error).toEqual(refused);
        }
      }),
    );
  });
});
