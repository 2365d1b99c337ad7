import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordsOf } from './names.ts';
import { afterPrefix, toSearchKey } from './search-key.ts';

const anyText = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));
/** Compares text as a database does: by UTF-8 bytes, which is the order of code points. */
const isBefore = (first: string, second: string) => Buffer.compare(Buffer.from(first), Buffer.from(second)) < 0;

/** Every Unicode character, except the many without case or decomposition. */
const CHARACTERS = Array.from({ length: 0x11_0000 }, (_, code) => String.fromCodePoint(code)).filter(
  (character) => !/[\p{Cs}\p{Cn}\p{Co}\p{Unified_Ideograph}\p{Script=Hangul}\p{Script=Tangut}]/u.test(character),
);

/**
 * Characters of the Latin script for which people do not type an ASCII letter: clicks, stops, tones, numbers, length
 * marks.
 */
const NO_LETTER = 'ƅƨƻƽƾǀǁǂǃɂʔʕʖʗʘʡʢʬʭᴤᴥᵜↀↁↂↅↆↇↈꜣꜥꜫꜭꜯꞌꞏ꟏ːˑ𝼊𝼎𝼏';

describe('a search', () => {
  it.each([
    ['SILVA', 'silva'],
    ['José', 'jose'],
    ['Jose\u0301', 'jose'],
    ['Łukasz', 'lukasz'],
    ['Strauß', 'strauss'],
    ['STRAUẞ', 'strauss'],
    ['Søren', 'soren'],
    ['Đorđević', 'dordevic'],
    ['Işık', 'isik'],
    ['İSTANBUL', 'istanbul'],
    ['Þórður', 'thordur'],
    ['Æsa Œuvre', 'aesa oeuvre'],
    ['Əliyev', 'eliyev'],
    ['Ħaż-Żabbar', 'haz-zabbar'],
    ['Nguyễn', 'nguyen'],
    ['Åse', 'ase'],
    ['ＡＢＣ', 'abc'],
    ['ﬁnn', 'finn'],
    ['  Ana   Maria\u00a0Silva ', 'ana maria silva'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευσ'],
    ['Οδυσσεύς', 'οδυσσευσ'],
    ['Нина', 'нина'],
    ['Семён', 'семен'],
    ['م\u064fحمد', 'محمد'],
    ['محـــمد', 'محمد'],
    ['ﻣﺤﻤﺪ', 'محمد'],
    ['שָׁלוֹם', 'שלום'],
    ['O’Brien', "o'brien"],
    ['٠١٢٣ ۴۵ ७ １', '0123 45 7 1'],
    ['Si\u00adl\u200bva\u202e', 'silva'],
    ['علی\u200cرضا', 'علیرضا'],
    ['A\u0000b', 'ab'],
  ])('finds %j by %j', (text, folded) => {
    expect(toSearchKey(text)).toBe(folded);
  });

  it.each([
    ['й', 'и'],
    ['が', 'か'],
    ['राम', 'रमा'],
    ['각', '간'],
    ['ה', 'ח'],
    ['ك', 'ل'],
  ])('keeps %s and %s apart', (one, other) => {
    expect(toSearchKey(one)).not.toBe(toSearchKey(other));
  });

  it('folds every letter of the Latin script to letters of ASCII, but for those that have none', () => {
    const latin = CHARACTERS.filter((character) => /\p{Script=Latin}/u.test(character));
    expect(latin.length).toBeGreaterThan(1400);
    const typed = (letter: string) => wordsOf(letter).map(({ joined }) => joined);
    const strange = latin.filter((letter) => !typed(letter).every((word) => /^[a-z]+$/.test(word)));
    const known = new Set([...NO_LETTER].map(toSearchKey));
    expect(strange.filter((letter) => !known.has(toSearchKey(letter)))).toEqual([]);
  });

  it('folds each character as its upper and lower case and its decompositions', () => {
    const different = CHARACTERS.filter((character) => {
      const parts = character.normalize('NFKD');
      // An iota below is an accent, but a letter in upper case. An accent alone is an apostrophe.
      if (/\u0345|^ ./u.test(parts)) return false;
      const same = [parts, character.normalize('NFKC'), character.toUpperCase(), toSearchKey(character)];
      // The only letters whose lower case is a different letter elsewhere.
      if (!/[İϴ]/u.test(character)) same.push(character.toLowerCase());
      return same.some((text) => toSearchKey(text) !== toSearchKey(character));
    });
    expect(different).toEqual([]);
  });

  it('finds no record by invisible characters', () => {
    const seen = CHARACTERS.filter(
      (character) => /[\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]/u.test(character) && toSearchKey(character) !== '',
    );
    expect(seen).toEqual([]);
  });

  it('folds what is folded to itself', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(toSearchKey(toSearchKey(text))).toBe(toSearchKey(text));
      }),
    );
  });

  it('finds a text by each of its beginnings', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'aÉİΣσßñ각 _1ЖłæÞ')),
        fc.array(fc.constantFrom(...'aÉΣ 1Ж')),
        (start, rest) => {
          const text = [...start, ...rest].join('');
          expect(toSearchKey(text).startsWith(toSearchKey(start.join('')))).toBe(true);
        },
      ),
    );
  });
});

describe('the end of a range of texts with one beginning', () => {
  /** U+10FFFF is not a character and never will be. */
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
