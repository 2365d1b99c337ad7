/** Names of people: how they are kept, and the words by which they are found. */

import { Refusal } from './problem.ts';
import { toSearchKey } from './search-key.ts';

/** Joiners and variation selectors that a letter or an emoji before them needs to be drawn right. */
const INVISIBLE =
  /(?<![\p{L}\p{M}\p{N}\p{S}])[\u200c\u200d]|(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])[\u200c\u200d]|[\u200c\u200d](?![\p{L}\p{N}\p{S}])|(?<![\p{L}\p{N}\p{S}\u200c\u200d])[\ufe00-\ufe0f\u180b-\u180d\u180f\u{e0100}-\u{e01ef}]|[[\p{Cf}\p{Default_Ignorable_Code_Point}]--[\u200c\u200d\ufe00-\ufe0f\u180b-\u180d\u180f\u{e0100}-\u{e01ef}]]/gv;

/**
 * Returns a name as it is kept: without spaces at its ends and without invisible characters. Joiners and variation selectors stay
 * where Persian, Indic or Japanese names and emoji need them; searches pass over them.
 */
export function tidyName(name: string): string {
  let [before, tidied] = [name, name.replace(INVISIBLE, '').trim()];
  // What stood between two of them may have kept one of them.
  while (tidied !== before) [before, tidied] = [tidied, tidied.replace(INVISIBLE, '').trim()];
  return tidied;
}

/** The words of one search; more would be a text, not a name. */
export const MAX_WORDS = 12;
/** In code points. The key of a longer word is cut, in the database as in a search. */
const MAX_WORD = 100;
/** A word with more parts is not a name but an identifier or an e-mail. */
const MAX_PARTS = 5;
/** Of all words of one search. */
const MAX_PARTS_OF_ALL = 24;

const cut = (key: string): string => [...key].slice(0, MAX_WORD).join('');

/** What joins the parts of a word: hyphens, dots, brackets, quotes. Other signs are letters of it. */
const JOINTS = /[\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}".:/|·・‧…⁄−?]+/u;

const withoutApostrophes = (key: string): string => key.replaceAll("'", '');
const isNotEmpty = (key: string): boolean => key !== '';

/** A word as it is typed: its folded text, its parts without apostrophes, and all of them as one. */
export interface TypedWord {
  readonly text: string;
  readonly parts: readonly string[];
  readonly joined: string;
}

function wordOf(text: string): TypedWord {
  const parts = text.split(JOINTS).map(withoutApostrophes).filter(isNotEmpty);
  return { text, parts: parts.map(cut), joined: cut(parts.join('')) };
}

/** Returns the words of a text, which spaces, commas and semicolons separate. Joints alone are not a word. */
export const wordsOf = (text: string): TypedWord[] =>
  toSearchKey(text)
    .split(/[\s,;]+/u)
    .map(wordOf)
    .filter(({ parts }) => parts.length > 0);

/** The first character of a term says what it is of, so that no name is found by the digits of a phone. */
const NAME = 'n';

/** Scripts that write a name without spaces. */
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+$/u;

/**
 * Returns the terms by which a name is found: each of its words, the parts of those that have several (*Lee-Park*, *O’Brien*), and
 * these as one.
 */
export function nameTerms(givenName: string | undefined, familyName: string): string[] {
  const words = [givenName ?? '', familyName].flatMap(wordsOf);
  const whole = toSearchKey(`${familyName}${givenName ?? ''}`);
  const keys = words.flatMap(({ text, parts, joined }) => [
    ...parts,
    joined,
    ...(text.includes("'")
      ? text
          .split(JOINTS)
          .flatMap((part) => part.split("'"))
          .map(cut)
      : []),
  ]);
  if (UNSPACED.test(whole)) keys.push(cut(whole));
  return [...new Set(keys.filter(isNotEmpty))].map((key) => NAME + key);
}

/** One condition of a search: a resource meets it when one of its terms has one of these beginnings. */
export type SearchCondition = readonly string[];

const isSameCondition = (one: SearchCondition, other: SearchCondition): boolean => one.join('\0') === other.join('\0');

/** What a word of a search may mean other than a name. */
export interface WordReading {
  /** The beginnings of terms that the word may be meant as. */
  readonly beginnings: readonly string[];
  /** The date or number that the word is or belongs to. Words of one number count as one word, and joints separate no parts of them. */
  readonly partOf?: string;
}

function refuseMoreThan(count: number, what: string): never {
  throw new Refusal('invalid-request', `Search for at most ${count} ${what}.`, {
    errors: [{ pointer: '/q', message: `has more than ${count} ${what}` }],
  });
}

/**
 * Returns the conditions of a search for words, all of which have to be met: each part of each word is the beginning of a name, or one
 * of the other beginnings of that word is met.
 * @throws Refusal `invalid-request` when there are too many words
 */
export function searchConditions(
  words: readonly TypedWord[],
  read: (word: TypedWord, index: number) => WordReading = () => ({ beginnings: [] }),
): SearchCondition[] {
  const conditions: SearchCondition[] = [];
  const counted = new Set<string>();
  for (const [index, word] of words.entries()) {
    const { text, parts, joined } = word;
    const { beginnings, partOf } = read(word, index);
    counted.add(partOf ?? text);
    const apart = partOf !== undefined || parts.length > MAX_PARTS ? [joined] : parts;
    for (const part of apart) {
      const condition = [...new Set([...[part, joined].map((key) => NAME + key), ...beginnings])];
      if (!conditions.some((known) => isSameCondition(known, condition))) conditions.push(condition);
    }
  }
  if (counted.size > MAX_WORDS) refuseMoreThan(MAX_WORDS, 'words');
  if (conditions.length > MAX_PARTS_OF_ALL) refuseMoreThan(MAX_PARTS_OF_ALL, 'parts of words');
  return conditions;
}
