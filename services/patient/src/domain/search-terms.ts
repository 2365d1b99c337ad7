/** The terms by which a patient is found, and the conditions of a search. The first character of a term is its kind. */
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
/** Digits from the last to the first, so that any end of a number begins its term. */
const PHONE_END = 'p';
const PHONE_START = 't';
const BIRTH_DATE = 'b';

/** Fewer digits of a phone would match too many patients. */
const MIN_DIGITS = 4;

/** Removes the spaces, hyphens, dots and slashes of an identifier. */
const compact = (key: string): string => key.replace(/[\s\p{Pd}./]/gu, '');
const reversed = (digits: string): string => [...digits].reverse().join('');
const digitsOf = (text: string): string => text.replace(/[^0-9]/g, '');

/** Returns the terms of the phone and the e-mail, of which another patient with the same contact has one, too. */
export const contactTermsOf = ({ phone, email }: Pick<Patient, 'phone' | 'email'>): string[] => [
  ...(phone === undefined ? [] : [PHONE_START + digitsOf(phone)]),
  ...(email === undefined ? [] : [EMAIL + toSearchKey(email)]),
];

/** Returns every term by which this patient is found. An erased one is not found. */
export function searchTermsOf(patient: Patient): string[] {
  const { givenName, familyName, birthDate, phone, email, identifiers = [] } = patient;
  if (familyName === undefined || birthDate === undefined) return [];
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

/** The signs and digits of a phone number, which may have several words. */
const PIECE = /^[+()0-9./\p{Pd}]+$/u;

/** The words of one number, in order. */
type WrittenNumber = readonly TypedWord[];

/**
 * Returns the number of each word, without pieces for a word that does not belong to one.
 * A date and a `+` end the number before them.
 */
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

/**
 * Returns the numbers that a piece may belong to: all pieces, all but the first or last, or itself.
 * The first or last piece may be an identifier next to a phone number.
 */
function wholesOf(number: WrittenNumber, piece: TypedWord): string[] {
  const spans = [number, number.slice(1), number.slice(0, -1), [piece]];
  return [...new Set(spans.filter((span) => span.includes(piece)).map(textOf))];
}

const identifierTerms = (text: string): string[] => (compact(text) === '' ? [] : [IDENTIFIER + compact(text)]);

/** Returns the terms of a number. Leading zeros and `(0)` count only for calls within its country. */
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

/** Returns the beginnings that a word may mean in addition to names. */
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
 * Returns the conditions that a patient meets if a text finds that patient: each word, in any order.
 * Adjacent words of digits can also be one number, and all words one identifier with spaces.
 * @throws Refusal `invalid-request` when the text has too many words
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
