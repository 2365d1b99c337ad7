/** The words of docs/glossary.md: one word for one thing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './sources.ts';
import { EXEMPTIONS, patternOf, unusedWordsIn, unusedWordsOf } from './unused-words.ts';
import { textFiles } from './words.ts';

const files = await textFiles();
const texts = new Map(
  await Promise.all(files.map(async (file) => [file, await readFile(join(ROOT, file), 'utf8')] as const)),
);
const textOf = (file: string): string => texts.get(file) ?? '';
const glossary = unusedWordsIn(textOf('docs/glossary.md'));

describe('the words of the glossary that are not used', () => {
  it('appear in no document and no source', () => {
    expect(glossary.length).toBeGreaterThan(10);
    expect(files.flatMap((file) => unusedWordsOf(file, textOf(file), glossary))).toEqual([]);
  });

  it.each(EXEMPTIONS)('need the exemption in $path, because $because', (exemption) => {
    const words = glossary.filter(({ word }) => (exemption.word ?? word) === word);
    const paths = files.filter((file) => exemption.path.test(file));
    expect(paths.flatMap((file) => unusedWordsOf(file, textOf(file), words, []))).not.toEqual([]);
  });

  it('are read from the table, without what explains them', () => {
    const text =
      '## Words that are not used\n\n| old word | say instead |\n| --- | --- |\n| a try (of x), give back | attempt |\n';
    const instead = 'attempt';
    expect(unusedWordsIn(text)).toEqual([
      { word: 'a try', instead },
      { word: 'give back', instead },
    ]);
  });

  it.each([
    [
      'answer',
      ['answer', 'Answers', 'answered', 'clientAnswer', 'AnswerParser', 'ANSWER_MILLIS', 'answer-parser', '#answer('],
    ],
    ['a try', ['a try', 'A try']],
    ['give back', ['gives back', 'give\n back', 'giveBack', 'GIVE_BACK', 'give-back']],
    ['wish', ['wish', 'wishes']],
  ])('are found in each form: %s', (word, forms) => {
    for (const form of forms) expect([form, form.match(patternOf(word))?.length]).toEqual([form, 1]);
  });

  it.each([
    ['lane', ['plane', 'planet']],
    ['a try', ['a tryst', 'extra try']],
    ['wish', ['wishful', 'Jewish']],
  ])('are not found inside other words: %s', (word, others) => {
    for (const other of others) expect(other).not.toMatch(patternOf(word));
  });
});
