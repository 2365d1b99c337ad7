/** Reads the words that docs/glossary.md does not use, and finds them in text. */

export interface UnusedWord {
  /** A word or a phrase in lower case. */
  readonly word: string;
  readonly instead: string;
}

export interface Exemption {
  /** A word of the glossary; all of them when absent. */
  readonly word?: string;
  readonly path: RegExp;
  readonly because: string;
}

/** The places where a word of the list has another meaning. A test reports an exemption that exempts nothing. */
export const EXEMPTIONS: readonly Exemption[] = [
  { path: /^docs\/glossary\.md$/, because: 'it is the list' },
  { path: /^tools\/repo-checks\/src\/unused-words(?:\.test)?\.ts$/, because: 'the check has examples' },
  {
    word: 'claim',
    path: /^(?!services\/appointment\/)/,
    because: 'only appointments had claims; elsewhere clients claim addresses, and pods claim volumes',
  },
  {
    word: 'lane',
    path: /^tools\/import\/src\/synthea\/import-folder\.test\.ts$/,
    because: 'it is the family name of a patient',
  },
];

const SECTION = '## Words that are not used';

/** Returns the list of the glossary. The check ignores parentheses, which explain a word to readers. */
export function unusedWordsIn(glossary: string): UnusedWord[] {
  const [, section = ''] = glossary.split(SECTION);
  return section
    .split('\n')
    .filter((line) => /^\| (?!old word|---)/.test(line))
    .flatMap((line) => {
      const [, words = '', instead = ''] = line.split('|').map((cell) => cell.trim());
      return words
        .replaceAll(/\([^)]*\)/g, '')
        .split(',')
        .map((word) => ({ word: word.trim(), instead }));
    });
}

/** Returns a pattern of a word and its forms, in lower case: answer, answers, answered, answering. */
function formsOf(word: string): string {
  if (word.length < 3) return word;
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}(?:y|ies|ied|ying)`;
  if (word.endsWith('e')) return `${word.slice(0, -1)}(?:e|es|ed|ing)`;
  return `${word}(?:s|es|ed|ing)?`;
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * Returns a pattern that finds a word or phrase and its forms in prose, strings and identifiers: `give back` finds
 * "gives back", `giveBack`, `GIVE_BACK` and `#giveBack`. It finds no word inside another one.
 */
export function patternOf(phrase: string): RegExp {
  const [first = '', ...others] = phrase.split(' ').map(formsOf);
  const eitherCase = `[${first.charAt(0)}${first.charAt(0).toUpperCase()}]${first.slice(1)}`;
  const spaced = others.map((word) => `[\\s_-]+${word}`).join('');
  const joined = others.map(capitalized).join('');
  const constant = [first, ...others].map((word) => word.toUpperCase()).join('[\\s_-]+');
  return new RegExp(
    [
      `(?<![A-Za-z])${eitherCase}(?:${spaced}|${joined})(?![a-z])`,
      `(?<=[a-z0-9])${capitalized(first)}${joined}(?![a-z])`,
      `(?<![A-Za-z])${constant}(?![A-Za-z])`,
    ].join('|'),
    'g',
  );
}

/** Returns what all forms of a phrase contain, to skip most texts without a slow search. */
function stemOf(phrase: string): string {
  const [longest = ''] = phrase.split(' ').toSorted((one, other) => other.length - one.length);
  return longest.slice(0, -1);
}

/** Returns `path:line: old word (say …)` for each word of the list in a text. */
export function unusedWordsOf(
  path: string,
  text: string,
  words: readonly UnusedWord[],
  exemptions: readonly Exemption[] = EXEMPTIONS,
): string[] {
  const lower = text.toLowerCase();
  return words.flatMap(({ word, instead }) => {
    if (!lower.includes(stemOf(word))) return [];
    if (exemptions.some((exemption) => (exemption.word ?? word) === word && exemption.path.test(path))) return [];
    return [...text.matchAll(patternOf(word))].map(({ index, 0: found }) => {
      const line = text.slice(0, index).split('\n').length;
      return `${path}:${line}: ${found} (say ${instead})`;
    });
  });
}
