/** The rules of English for documents, comments, strings and test titles. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './sources.ts';
import { BANNED, commentsOf, NAMELESS, NAMELESS_STRING, TITLE_RULES, textFiles, titlesOf } from './words.ts';

/** These two list the words that all others may not use. */
const LISTS = ['tools/repo-checks/src/words.ts', 'tools/repo-checks/src/words.test.ts'];
const quoted = /"[^"\n]*"|`[^`\n]*`/g;

const files = await textFiles();
const texts = new Map(
  await Promise.all(files.map(async (file) => [file, await readFile(join(ROOT, file), 'utf8')] as const)),
);
const textOf = (file: string): string => texts.get(file) ?? '';
const isDocument = (file: string): boolean => file.endsWith('.md');
const documents = files.filter(isDocument);
const sources = files.filter((file) => !isDocument(file) && !LISTS.includes(file));
const scripts = sources.filter((file) => /\.[cm]?[jt]s$/.test(file));

const proseOf = (file: string): string =>
  (isDocument(file) ? textOf(file) : commentsOf(textOf(file))).replace(quoted, '');

/** Returns `file: line` of each line that matches. */
const linesWith = (pattern: RegExp, paths: readonly string[], read: (file: string) => string): string[] =>
  paths.flatMap((file) =>
    read(file)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => pattern.test(line))
      .map((line) => `${file}: ${line}`),
  );

describe('documents and comments', () => {
  it('use no word that readers have to guess', () => {
    expect(linesWith(BANNED, documents, proseOf)).toEqual([]);
  });

  it('name the actor instead of beginning a sentence with Who, Whoever or Nobody', () => {
    expect(linesWith(NAMELESS, [...documents, ...scripts], proseOf)).toEqual([]);
  });
});

describe('sources', () => {
  it('use no word that readers have to guess, in names, strings, titles and comments', () => {
    expect(linesWith(BANNED, sources, textOf)).toEqual([]);
  });

  it('have no string that begins with Who, Whoever, Nobody or Somebody', () => {
    expect(linesWith(NAMELESS_STRING, scripts, textOf)).toEqual([]);
  });
});

describe('test titles', () => {
  it.each([...TITLE_RULES])('keep the rule: %s', (_rule, pattern) => {
    expect(linesWith(pattern, scripts, (file) => titlesOf(textOf(file)).join('\n'))).toEqual([]);
  });

  it('are found in each form', () => {
    const source = `it('one', () => 1);\ntest.each([1])('two %s', async (n) => n);\ndescribe("it's", () => {});
      it.skipIf(a)(\n  \`four\`,\n async () => {});\nit('five', { timeout: 1 }, async () => 1);\nexpect(call('not one', 1)).toBe(2);`;
    expect(titlesOf(source)).toEqual(['one', 'two %s', "it's", 'four', 'five']);
  });
});
