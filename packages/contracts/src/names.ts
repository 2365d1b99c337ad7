/** Names of people: how they are stored, and the terms that find them. */

import { Refusal } from './problem.ts';
import { toSearchKey } from './search-key.ts';

/** Joiners and variation selectors that the letter or emoji before them needs for display. */
const INVISIBLE =
  /(?<![\p{L}\p{M}\p{N}\p{S}])[\u200c\u200d]|(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])[\u200c\u200d]|[\u200c\u200d](?![\p{L}\p{N}\p{S}])|(?<![\p{L}\p{N}\p{S}\u200c\u200d])[\ufe00-\ufe0f\u180b-\u180d\u180f\u{e0100}-\u{e01ef}]|[[\p{Cf}\p{Default_Ignorable_Code_Point}]--[\u200c\u200d\ufe00-\ufe0f\u180b-\u180d\u180f\u{e0100}-\u{e01ef}]]/gv;

/**
 * Returns a name as stored: trimmed and without invisible characters. Joiners and variation selectors stay where
 * Persian, Indic or Japanese names and emoji need them. Searches ignore them.
 */
export function tidyName(name: string): string {
  let [before, tidied] = [name, name.replace(INVISIBLE, '').trim()];
  // A removed character may have justified its neighbour, so repeat until nothing changes.
  while (tidied !== before) [before, tidied] = [tidied, tidied.replace(INVISIBLE, '').trim()];
  return tidied;
}

/** The most words in one search. A longer text is not a name. */
export const MAX_WORDS = 12;
/** In code points. The key of a longer word is cut, both in the database and in a search. */
const MAX_WORD = 100;
/** The most parts of a word. A word with more is an identifier or an e-mail address, not a name. */
const MAX_PARTS = 5;
/** The most parts of all words of one search. */
const MAX_PARTS_OF_ALL = 24;

const cut = (key: string): string => [...key].slice(0, MAX_WORD).join('');

/** The characters that join the parts of a word: hyphens, dots, brackets, quotes. All other signs count as letters. */
const JOINTS = /[\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}".:/|·・‧…⁄−?]+/u;

const withoutApostrophes = (key: string): string => key.replaceAll("'", '');
const isNotEmpty = (key: string): boolean => key !== '';

/** A typed word: its folded text, its parts without apostrophes, and all parts joined. */
export interface TypedWord {
  readonly text: string;
  readonly parts: readonly string[];
  readonly joined: string;
}

function wordOf(text: string): TypedWord {
  const parts = text.split(JOINTS).map(withoutApostrophes).filter(isNotEmpty);
  return { text, parts: parts.map(cut), joined: cut(parts.join('')) };
}

/** Returns the words of a text, separated by spaces, commas and semicolons. Joints alone are not a word. */
export const wordsOf = (text: string): TypedWord[] =>
  toSearchKey(text)
    .split(/[\s,;]+/u)
    .map(wordOf)
    .filter(({ parts }) => parts.length > 0);

/** The first character of a term marks its kind, so that the digits of a phone never match a name. */
const NAME = 'n';

/** Scripts that write a name without spaces. */
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+$/u;

/**
 * Returns the terms that find a name. These are each word, the parts of a word with several (*Lee-Park*, *O’Brien*),
 * and the joined parts.
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

/** One condition of a search. A resource meets it when one of its terms has one of these prefixes. */
export type SearchCondition = readonly string[];

const isSameCondition = (one: SearchCondition, other: SearchCondition): boolean => one.join('\0') === other.join('\0');

/** A meaning of a search word other than a name. */
export interface WordReading {
  /** The prefixes of terms that the word may stand for. */
  readonly beginnings: readonly string[];
  /**
   * The date or number that the word is part of. Words of one number count as one word, and joints do not split them.
   */
  readonly partOf?: string;
}

function refuseMoreThan(count: number, what: string): never {
  throw new Refusal('invalid-request', `Search for at most ${count} ${what}.`, {
    errors: [{ pointer: '/q', message: `has more than ${count} ${what}` }],
  });
}

/**
 * Returns the conditions of a search; a resource must meet all of them. Each part of each word must be the prefix of a
 * name, or another reading of that word must match.
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
