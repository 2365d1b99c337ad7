/** The rules of passwords: long, and not easily guessed. Composition rules and expiry only lead to worse passwords. */

/** In code points. NIST SP 800-63B-4 requires 15 for a password without a second factor, and 8 with one. */
const SHORTEST = 15;
/** In UTF-16 code units, so that no request makes the hash expensive. */
export const LONGEST_PASSWORD = 256;
const FEWEST_CHARACTERS = 6;

/** Words that attackers try first. A password may contain one, and must be long enough without it. */
const GUESSED = ['password', 'passwort', 'daybook', 'clinic', 'letmein', 'welcome', 'qwertyuiop', 'qwerty', 'iloveyou'];
const SEQUENCES = '01234567890123456789 abcdefghijklmnopqrstuvwxyz qwertyuiop asdfghjkl zxcvbnm 98765432109876543210';
const SHORTEST_SEQUENCE = 4;
/** A shorter word is in many other words. */
const SHORTEST_WORD = 4;

export type PasswordFault = 'too-short' | 'too-long' | 'easily-guessed';

/** Returns a password in the form that is hashed: the same for all ways in which keyboards write a letter. */
export const normalizePassword = (password: string): string => password.normalize('NFKC');

/** Removes each run of four or more characters that is part of a sequence of the keyboard or alphabet. */
function withoutSequences(text: string): string {
  const kept: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = start + SHORTEST_SEQUENCE;
    if (end > text.length || !SEQUENCES.includes(text.slice(start, end))) {
      kept.push(text.charAt(start));
      start += 1;
      continue;
    }
    while (end < text.length && SEQUENCES.includes(text.slice(start, end + 1))) end += 1;
    start = end;
  }
  return kept.join('');
}

/** Returns the words that an attacker tries first, longest first. */
function guessesFrom(known: readonly string[]): string[] {
  const texts = known.map((text) => text.normalize('NFKC').toLowerCase());
  const words = texts.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]);
  return [...GUESSED, ...words]
    .filter((word) => word.length >= SHORTEST_WORD)
    .sort((one, other) => other.length - one.length);
}

/**
 * Returns what is wrong with a password, if anything.
 * @param known what an attacker knows about the person: the e-mail address and the name
 */
export function passwordFaultOf(password: string, known: readonly string[]): PasswordFault | undefined {
  const normalized = normalizePassword(password);
  if (normalized.length > LONGEST_PASSWORD) return 'too-long';
  if ([...normalized].length < SHORTEST) return 'too-short';
  let rest = normalized.toLowerCase();
  for (const word of guessesFrom(known)) rest = rest.replaceAll(word, '');
  const isGuessed = new Set(withoutSequences(rest)).size < FEWEST_CHARACTERS;
  return isGuessed ? 'easily-guessed' : undefined;
}
