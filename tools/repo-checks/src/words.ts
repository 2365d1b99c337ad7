/** The words of the repository: documents, and the comments, strings and test titles of sources. */
import { filesMatching } from './sources.ts';

const FOLDERS = '{docs,deploy,services,packages,launcher,tools,bench,e2e,examples}';
const PATTERNS = ['*.md', `${FOLDERS}/**/*.{md,ts,mjs,cjs,java,sh,yaml,yml}`, '.ci/*', '.github/**/*.{md,yaml,yml}'];
const GENERATED = 'packages/client/src/schema.ts';

/** Returns the paths of all documents and sources, sorted. */
export const textFiles = async (): Promise<string[]> =>
  (await filesMatching(PATTERNS)).filter((file) => file !== GENERATED);

/** Returns the comments of a source, a line each, without their marks. Strings that look like comments are rare and harmless. */
export function commentsOf(source: string): string {
  const lines: string[] = [];
  for (const [comment] of source.matchAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g)) {
    for (const line of comment.split('\n')) lines.push(line.replace(/^\s*(?:\/\*\*?|\*\/?|\/\/)\s?|\*\/\s*$/g, ''));
  }
  return lines.join('\n');
}

/** The first argument of `it`, `test` or `describe`, or of what `each` and its like return: a title before a function. */
const TITLE =
  /(?:\b(?:it|test|describe)(?:\.\w+(?:\([^()]*\))?)*|\)(?:<[^()]*>)?)\(\s*(?:'((?:[^'\\]|\\.)+)'|"((?:[^"\\]|\\.)+)"|`([^`]+)`),\s*(?:\{[^{}]*\},\s*)?(?:async\s*)?(?:\(|function\b|\w+\s*=>)/g;

/** Returns the titles of the tests of a source. */
export const titlesOf = (source: string): string[] =>
  [...source.matchAll(TITLE)].map(([, single, double, template]) => single ?? double ?? template ?? '');

/** Words that the reader has to guess. */
export const BANNED = /\b(?:aloud|anew|whoever|to be had|all the same|so many|dear|door)\b/i;

/** A sentence that does not name its actor. Questions in pages are exempt. */
export const NAMELESS = /(?:^|[.!?]\s+)(?:Who|Whoever|Nobody)\b(?![^.!?]*\?)/m;

/** A string that begins without an actor. */
export const NAMELESS_STRING = /(['"`])(?:Who|Whoever|Nobody|Somebody)\s.*?\1/;

/** The rules for titles, each with what it rejects. */
export const TITLE_RULES: ReadonlyMap<string, RegExp> = new Map([
  ['a title names its actor', /\b(?:nobody|somebody|anybody|everybody|everyone|anyone|someone)\b/i],
  ['a clause names its actor', /(?:^|[;:] |\b(?:and|by|for|from|in|is|of|or|than|that|to|with) )who\b/i],
  ['programs do not talk', /\b(?:tells?|told|says?|said|ask(?:s|ed|ing)?|hears?|heard)\b/i],
  ['programs do not look', /\blook(?:s|ed|ing)? (?:after|at|for|into)\b/i],
  ['"is not a" instead of "is no"', /(?<!\bthere )\b(?:is|are|was|were) no(?! (?:less|longer|more|larger)\b)\b/i],
]);
