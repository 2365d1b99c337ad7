/** What the names and the birth date of one person come to, in whatever order, case and with whatever accents they are written. */
import { createHash } from 'node:crypto';
import { fold, type NewPatient } from '@daybook/contracts';

/** What separates names: spaces, hyphens, apostrophes, commas. */
const SEPARATORS = /[^\p{L}\p{N}\p{M}]+/u;

function foldedWords(name: string): string[] {
  const folded = fold(name);
  const words = folded.split(SEPARATORS).filter((word) => word !== '');
  // A name of signs alone.
  return words.length > 0 ? words : [folded];
}

/**
 * Returns 16 bytes that are equal for the names and birth date of one person, as a key of the database.
 * It is a digest, because names have any length and are not needed in another place.
 */
export function nameKeyOf(person: Pick<NewPatient, 'givenName' | 'familyName' | 'birthDate'>): Uint8Array {
  const names = [person.givenName, person.familyName].filter((name) => name !== undefined);
  const words = names.flatMap(foldedWords).sort();
  return createHash('sha256')
    .update(JSON.stringify([person.birthDate, ...words]))
    .digest()
    .subarray(0, 16);
}
