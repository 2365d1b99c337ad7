/** One key for texts that people consider equal, the same in the database and in a search. */
import { LATIN_LETTERS } from './latin-letters.ts';

/** Characters without their own glyph. Tabs and line breaks separate words. */
const INVISIBLE = /[[\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]--[\t-\r]]/gv;

/**
 * Accents and vowel points. Vowel signs of Indic scripts, sound marks of kana and the breve of й stay, because they are
 * letters.
 */
const POINTS =
  /(?<![иИ])\u0306|[[\p{M}&&[\p{Script=Inherited}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Cyrillic}]]--[\u0306\u3099\u309a]]/gv;

const TATWEEL = /\u0640/g;
const APOSTROPHES = /[’‘‛`´\u1ffd′‵ʹʺʻʼʽʾʿˈ՚׳״ꞌꞋ]/gu;

/** Applies full case folding: ß is ss, a final sigma is a sigma, a dotless i is an i. */
const foldCase = (text: string): string => text.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ');

/** Returns the ASCII digit. Every script has its digits in runs of ten. */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String((code - zero) % 10);
}

const decompose = (text: string): string => text.normalize('NFKD').replace(INVISIBLE, '').replace(POINTS, '');

/**
 * Returns the search key of a text. It drops case, accents, vowel points, invisible characters and outer spaces. Latin
 * letters and digits become ASCII, and all apostrophes become one. The key of a prefix is a prefix of the key.
 */
export function toSearchKey(text: string): string {
  const decomposed = decompose(text.replace(APOSTROPHES, "'"));
  const letters = decompose(foldCase(decomposed)).replace(APOSTROPHES, "'").replace(TATWEEL, '');
  return Array.from(letters, (letter) => LATIN_LETTERS.get(letter) ?? letter)
    .join('')
    .replace(/(?![0-9])\p{Nd}/gu, digitOf)
    .replace(/\s+/gu, ' ')
    .trim();
}

/** Returns a text that sorts after every text with this prefix, in the order of code points. */
export const afterPrefix = (prefix: string): string => `${prefix}\u{10ffff}`;
