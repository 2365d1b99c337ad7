import { describe, expect, it } from 'vitest';
import { parseJson } from './shallow-json.ts';

describe('JSON of others', () => {
  it.each([
    ['lists', '['.repeat(101) + ']'.repeat(101)],
    ['objects', '{"a":'.repeat(101) + 1 + '}'.repeat(101)],
    ['lists that never end', '['.repeat(1e6)],
    ['lists behind a string with a quote', `["\\"",${'['.repeat(101)}${']'.repeat(101)}]`],
  ])('that is too deep is refused: %s', (_what, text) => {
    expect(() => parseJson(text)).toThrow('too deep');
  });

  it.each([
    ['a hundred lists', '['.repeat(100) + ']'.repeat(100)],
    ['many beside each other', `[${'[],'.repeat(1_000)}{}]`],
    ['brackets in a text', JSON.stringify(['['.repeat(1_000), '{'.repeat(1_000)])],
    ['brackets behind quotes in a text', JSON.stringify([`"\\"${'['.repeat(1_000)}`, '\\', '['.repeat(200)])],
  ])('is read: %s', (_what, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it.each(['', '{', '"', '"\\', '<html>secret'])('that is not JSON is refused without a word of it: %j', (text) => {
    expect(() => parseJson(text)).toThrow(/^not JSON$/);
  });
});
