/** Chooses the language of a page. */
import { ar } from './ar.ts';
import { de } from './de.ts';
import { en, type Words } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import { pt } from './pt.ts';

export type { Words } from './en.ts';

/** The languages of pages, by their primary subtag (BCP 47). */
const LANGUAGES: ReadonlyMap<string, Words> = new Map([en, pt, de, fr, es, ar].map((words) => [words.language, words]));

export const languages: readonly string[] = [...LANGUAGES.keys()];

/** A longer header is not from a browser. */
const MAX_HEADER = 1_000;

const primaryOf = (tag: string): string => tag.trim().toLowerCase().split('-', 1)[0] ?? '';

/** Returns the words of a locale: `pt-BR` is Portuguese. A language without words is undefined. */
export const findWords = (locale: string | undefined): Words | undefined => LANGUAGES.get(primaryOf(locale ?? ''));

/** Returns the words that a browser prefers (RFC 9110, section 12.5.4). English is the last choice. */
export function wordsAccepted(header: string | undefined): Words {
  const ranges = (header ?? '').slice(0, MAX_HEADER).split(',');
  const preferred = ranges
    .map((range, index) => {
      const [tag = '', ...parameters] = range.split(';');
      const quality = parameters.find((parameter) => parameter.trim().startsWith('q='));
      const weight = quality === undefined ? 1 : Number(quality.trim().slice(2));
      return { words: findWords(tag), weight: Number.isFinite(weight) ? weight : 0, index };
    })
    .filter(({ words, weight }) => words !== undefined && weight > 0)
    .sort((one, other) => other.weight - one.weight || one.index - other.index);
  return preferred[0]?.words ?? en;
}
