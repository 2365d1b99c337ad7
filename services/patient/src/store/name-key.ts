/** Computes keys of names and birth date that ignore order, case, accents and spelling. */
import { createHash } from 'node:crypto';
import { type NewPatient, toSearchKey } from '@daybook/contracts';

/** The separators of words: spaces, hyphens, commas. An apostrophe does not separate: *O’Brien* is one word. */
const SEPARATORS = /[^\p{L}\p{N}\p{M}]+/u;

function wordsOf(name: string): string[] {
  const folded = toSearchKey(name);
  const words = folded
    .replaceAll("'", '')
    .split(SEPARATORS)
    .filter((word) => word !== '');
  // The name consists of signs only.
  return words.length > 0 ? words : [folded];
}

/** Returns 16 bytes. A key is a digest, because names have any length and are not needed in another place. */
const keyOf = (birthDate: string, words: readonly string[]): Uint8Array =>
  createHash('sha256')
    .update(JSON.stringify([birthDate, ...words.toSorted()]))
    .digest()
    .subarray(0, 16);

/**
 * Returns two keys of the names and the birth date of one person.
 * One key is of the words in any order.
 * The other is of each name as one word, without spaces and hyphens.
 * Two people are similar when one has a key of the other.
 * The two keys are equal when each name is one word.
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
