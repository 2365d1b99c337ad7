import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterPrefix, fold } from './folding.ts';

const anyText = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));
/** As a database compares text: by the bytes of UTF-8, which is the order of code points. */
const isBefore = (first: string, second: string) => Buffer.compare(Buffer.from(first), Buffer.from(second)) < 0;

describe('a search', () => {
  it.each([
    ['SILVA', 'silva'],
    ['José', 'jose'],
    ['Jose\u0301', 'jose'],
    ['Łukasz', 'łukasz'],
    ['İstanbul', 'istanbul'],
    ['Åse', 'ase'],
    ['ＡＢＣ', 'abc'],
    ['  Ana   Maria\u00a0Silva ', 'ana maria silva'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευσ'],
    ['Οδυσσεύς', 'οδυσσευσ'],
    ['Нина', 'нина'],
    ['م\u064fحمد', 'محمد'],
  ])('finds %j by %j', (text, folded) => {
    expect(fold(text)).toBe(folded);
  });

  it('folds what is folded to itself', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(fold(fold(text))).toBe(fold(text));
      }),
    );
  });

  it('finds a text by each of its beginnings', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'aÉİΣσßñ각 _1Ж')),
        fc.array(fc.constantFrom(...'aÉΣ 1Ж')),
        (start, rest) => {
          const text = [...start, ...rest].join('');
          expect(fold(text).startsWith(fold(start.join('')))).toBe(true);
        },
      ),
    );
  });
});

describe('the end of a range of texts with one beginning', () => {
  /** U+10FFFF is no character and never will be. */
  const characters = anyText.map((text) => text.toWellFormed().replaceAll('\u{10ffff}', ''));

  it('comes after every text with that beginning', () => {
    fc.assert(
      fc.property(characters, characters, (prefix, rest) => {
        expect(isBefore(prefix + rest, afterPrefix(prefix))).toBe(true);
      }),
    );
  });

  it('comes before every later text without it', () => {
    fc.assert(
      fc.property(characters, characters, (prefix, text) => {
        fc.pre(!text.startsWith(prefix) && isBefore(prefix, text));
        expect(isBefore(afterPrefix(prefix), text)).toBe(true);
      }),
    );
  });
});
