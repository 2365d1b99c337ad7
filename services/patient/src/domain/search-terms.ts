/** By what a patient is found, and what a search asks for. The first character of a term says what it is of. */
import {
  nameTerms,
  type Patient,
  type SearchCondition,
  searchConditions,
  type TypedWord,
  toSearchKey,
  type WordReading,
  wordsOf,
} from '@daybook/contracts';
import { datesIn } from './birth-date-parser.ts';

const EMAIL = 'e';
const IDENTIFIER = 'i';
/** Digits from the last to the first: any end of a number begins its term. */
const PHONE_END = 'p';
const PHONE_START = 't';
const BIRTH_DATE = 'b';

/** Fewer digits of a phone are those of too many. */
const MIN_DIGITS = 4;

/** Spaces, hyphens, dots and slashes are not looked at in an identifier. */
const compact = (key: string): string => key.replace(/[\s\p{Pd}./]/gu, '');
const reversed = (digits: string): string => [...digits].reverse().join('');
const digitsOf = (text: string): string => text.replace(/[^0-9]/g, '');

/** Everything by which this patient is found. */
export function searchTermsOf(patient: Patient): string[] {
  const { givenName, familyName, birthDate, phone, email, identifiers = [] } = patient;
  const digits = digitsOf(phone ?? '');
  const terms = [
    ...nameTerms(givenName, familyName),
    BIRTH_DATE + birthDate,
    ...(phone === undefined ? [] : [PHONE_END + reversed(digits), PHONE_START + digits]),
    ...(email === undefined ? [] : [EMAIL + toSearchKey(email)]),
    ...identifiers.map(({ value }) => IDENTIFIER + compact(toSearchKey(value))),
  ];
  return [...new Set(terms)].filter((term) => term.length > 1);
}

/** The signs and digits with which a phone is written; it may stand in several words. */
const PIECE = /^[+()0-9./\p{Pd}]+$/u;

/** Words that are one number: its pieces in their order. */
type WrittenNumber = readonly TypedWord[];

/** Returns the number of each word, without pieces where the word is not of a number. A date and a `+` end the number before them. */
function numbersOf(words: readonly TypedWord[]): WrittenNumber[] {
  const numbers: TypedWord[][] = [];
  let number: TypedWord[] = [];
  for (const word of words) {
    const isPiece = PIECE.test(word.text) && datesIn(word.text).length === 0;
    if (!isPiece || word.text.startsWith('+')) number = [];
    if (isPiece) number.push(word);
    numbers.push(isPiece ? number : []);
  }
  return numbers;
}

const textOf = (number: WrittenNumber): string => number.map(({ text }) => text).join('');

/** Returns what a piece may belong to: all pieces, all but the first or the last (perhaps an identifier next to a phone), itself. */
function wholesOf(number: WrittenNumber, piece: TypedWord): string[] {
  const spans = [number, number.slice(1), number.slice(0, -1), [piece]];
  return [...new Set(spans.filter((span) => span.includes(piece)).map(textOf))];
}

const identifierTerms = (text: string): string[] => (compact(text) === '' ? [] : [IDENTIFIER + compact(text)]);

/** The terms of a number: the zeros before it and the `(0)` in it are for dialling within its country. */
function numberTerms(written: string): string[] {
  const whole = written.replaceAll('(0)', '');
  const digits = digitsOf(whole);
  const significant = digits.replace(/^0+/, '');
  const ends = [digits, significant].filter(({ length }) => length >= MIN_DIGITS);
  const isFromStart = /^(\+|00)/.test(whole) && significant !== '';
  return [
    ...ends.map((end) => PHONE_END + reversed(end)),
    ...(isFromStart ? [PHONE_START + significant] : []),
    ...identifierTerms(whole),
  ];
}

/** Returns the beginnings that a word may be meant as, in addition to those of names. */
function readingOf(word: TypedWord, number: WrittenNumber): WordReading {
  const { text } = word;
  const dates = datesIn(text);
  const numbers = PIECE.test(text) ? wholesOf(number, word) : [];
  const beginnings = [
    EMAIL + text,
    ...identifierTerms(text),
    ...numbers.flatMap(numberTerms),
    ...dates.map((date) => BIRTH_DATE + date),
  ];
  if (dates.length > 0) return { beginnings, partOf: text };
  return number.length > 0 ? { beginnings, partOf: textOf(number) } : { beginnings };
}

/**
 * Returns what a patient has to meet to be found by a text: each of its words, wherever it stands. Adjacent words that are digits are
 * one number as well, and all words one identifier, which may have spaces.
 * @throws Refusal `invalid-request` when there are too many words
 */
export function searchConditionsOf(q: string): SearchCondition[] {
  const words = wordsOf(q);
  const numbers = numbersOf(words);
  const ofAll = identifierTerms(toSearchKey(q));
  return searchConditions(words, (word, index) => {
    const { beginnings, ...more } = readingOf(word, numbers[index] ?? []);
    return { ...more, beginnings: [...beginnings, ...ofAll] };
  });
}
