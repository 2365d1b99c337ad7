/** What the names and the birth date of one person come to, in whatever order, case, accents and spelling they are written. */
import { createHash } from 'node:crypto';
import { type NewPatient, toSearchKey } from '@daybook/contracts';

/** What separates words: spaces, hyphens, commas. An apostrophe does not: *O’Brien* is one word. */
const SEPARATORS = /[^\p{L}\p{N}\p{M}]+/u;

function wordsOf(name: string): string[] {
  const folded = toSearchKey(name);
  const words = folded
    .replaceAll("'", '')
    .split(SEPARATORS)
    .filter((word) => word !== '');
  // A name of signs alone.
  return words.length > 0 ? words : [folded];
}

/** Returns 16 bytes. A key is a digest, because names have any length and are not needed in another place. */
const keyOf = (birthDate: string, words: readonly string[]): Uint8Array =>
  createHash('sha256')
    .update(JSON.stringify([birthDate, ...words.toSorted()]))
    .digest()
    .subarray(0, 16);

/**
 * Returns two keys of the names and the birth date of one person: of the words in any order, and of each name as one word, in which
 * spaces and hyphens do not count. Two people are alike where one has a key of the other. The two keys are equal where each name is
 * one word.
 */
export function nameKeysOf({
  birthDate,
  givenName,
  familyName,
}: Pick<NewPatient, 'givenName' | 'familyName' | 'birthDate'>): readonly [ofWords: Uint8Array, ofNames: Uint8Array] {
  const names = [givenName, familyName].filter((name) => name !== undefined).map(wordsOf);
  return [
    keyOf(birthDate, names.flat()),
    keyOf(
      birthDate,
      names.map((words) => words.join('')),
    ),
  ];
}
