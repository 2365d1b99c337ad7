import { expect, test } from 'vitest';
import { query } from './query.ts';
import { matches } from './testing.ts';

test.each(['/a?version=2', '/a?x=1&version=1&version=2', '/a?%76ersion=%32'])('the parameter is in %s', (url) => {
  expect(matches(query, { version: '2' }, { url })).toBe(true);
});

test.each(['/a', '/version=2', '/a?version=22', '/a?Version=2', '/a?', '/a?%zz=2'])(
  'the parameter is not in %s',
  (url) => {
    expect(matches(query, { version: '2' }, { url })).toBe(false);
  },
);

test('every parameter has to be there; * takes any value, none included', () => {
  expect(matches(query, { a: '*', b: '*' }, { url: '/a?a&b=' })).toBe(true);
  expect(matches(query, { a: '*', b: '*' }, { url: '/a?a' })).toBe(false);
});
