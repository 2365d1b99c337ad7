import { expect, test } from 'vitest';
import { compileTextPattern } from './text-pattern.ts';

test.each([
  ['abc', 'abc', true],
  ['abc', 'abcd', false],
  ['*', '', true],
  ['a*', 'a', true],
  ['a*', 'ba', false],
  ['*c', 'abc', true],
  ['a*c', 'ac', true],
  ['ab*bc', 'abc', false],
  ['a*b*c', 'a1b2c', true],
  ['a*b*c', 'acb', false],
  ['*a*a*', 'a', false],
  ['*a*a*', 'xaxax', true],
  ['a*b*b', 'ab', false],
  ['a.c', 'abc', false],
  ['(a+)+', '(a+)+', true],
])('%s and %j: %s', (pattern, text, fits) => {
  expect(compileTextPattern(pattern)(text)).toBe(fits);
});

test('a text that would hold up a regular expression does not hold up a pattern', () => {
  const matches = compileTextPattern(`${'*a'.repeat(90)}*b`);
  expect(matches('a'.repeat(16_000))).toBe(false);
});
