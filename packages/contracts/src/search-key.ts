/** One key for whatever people take for the same text: the same in the database and in a search. */
import { LATIN_LETTERS } from './latin-letters.ts';

/** Characters without a glyph of their own, in a name as in a search. Tabs and line breaks separate words. */
const INVISIBLE = /[[\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]--[\t-\r]]/gv;

/**
 * Accents and vowel points. The vowel signs of Indic scripts and the sound marks of kana are letters: they stay, and so does
 * the breve of й.
 */
const POINTS =
  /(?<![иИ])\u0306|[[\p{M}&&[\p{Script=Inherited}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Cyrillic}]]--[\u0306\u3099\u309a]]/gv;

const TATWEEL = /\u0640/g;
const APOSTROPHES = /[’‘‛`´\u1ffd′‵ʹʺʻʼʽʾʿˈ՚׳״ꞌꞋ]/gu;

/** Full case folding: ß is ss, a final sigma is a sigma, a dotless i is an i. */
const foldCase = (text: string): string => text.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ');

/** Every script has its digits in runs of ten. */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String((code - zero) % 10);
}

const decompose = (text: string): string => text.normalize('NFKD').replace(INVISIBLE, '').replace(POINTS, '');

/**
 * Returns the key of a text for searching: without case, accents, vowel points, invisible characters and spaces at the ends, the
 * letters of the Latin script as those of ASCII, digits as those of ASCII, apostrophes as one. The beginning of a text folds to
 * the beginning of what the text folds to.
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

/** Greater than every text that begins with `prefix`, in the order of code points. */
export const afterPrefix = (prefix: string): string => `${prefix}\u{10ffff}`;
