/** By what a patient is found, and what a search asks for. The first character of a term says what it is of. */
import {
  fold,
  nameTerms,
  type Patient,
  type SearchCondition,
  searchConditions,
  type TypedWord,
} from '@daybook/contracts';
import { dateIn } from './typed-date.ts';

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
    ...(email === undefined ? [] : [EMAIL + fold(email)]),
    ...identifiers.map(({ value }) => IDENTIFIER + compact(fold(value))),
  ];
  return [...new Set(terms)].filter((term) => term.length > 1);
}

/** What a phone may be typed with; its digits may stand in several words. */
const isOfNumber = (text: string): boolean => /^[+()0-9./\p{Pd}]+$/u.test(text) && /[0-9]/.test(text);

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
    IDENTIFIER + compact(whole),
  ];
}

/** The terms that a word may be meant as, beside those of names. */
function termsOf({ text }: TypedWord): string[] {
  const date = dateIn(text);
  return [
    EMAIL + text,
    ...(compact(text) === '' ? [] : [IDENTIFIER + compact(text)]),
    ...(isOfNumber(text) ? numberTerms(text) : []),
    ...(date === undefined ? [] : [BIRTH_DATE + date]),
  ];
}

/**
 * Returns what a patient has to meet to be found by a text: each of its words, wherever it stands. Words that are digits are one
 * number as well, and all words one identifier, which may have spaces.
 */
export function searchConditionsOf(q: string): SearchCondition[] {
  const words = fold(q).split(' ');
  const number = words.filter(isOfNumber).join('');
  const identifier = compact(words.join(''));
  const ofNumber = number === '' ? [] : numberTerms(number);
  const ofAll = identifier === '' ? [] : [IDENTIFIER + identifier];
  return searchConditions(q, (word) => [...termsOf(word), ...(isOfNumber(word.text) ? ofNumber : []), ...ofAll]);
}
