import { expect, test } from 'vitest';
import { header } from './header.ts';
import { faultsIn, matches } from './testing.ts';

test('every header has to be there, with a value that fits', () => {
  const wanted = { 'X-Version': '2.*', 'x-beta': '*' };
  expect(matches(header, wanted, { headers: { 'x-version': '2.1', 'x-beta': '' } })).toBe(true);
  expect(matches(header, wanted, { headers: { 'x-version': '3.1', 'x-beta': '' } })).toBe(false);
  expect(matches(header, wanted, { headers: { 'x-version': '2.1' } })).toBe(false);
});

test('of a header that comes several times, one value has to fit', () => {
  expect(matches(header, { 'set-cookie': 'b' }, { headers: { 'set-cookie': ['a', 'b'] } })).toBe(true);
});

test('a name that every object has is not a header', () => {
  expect(matches(header, { constructor: '*' }, { headers: {} })).toBe(false);
});

test('no header, or a pattern that could not be a value, is refused', () => {
  expect(faultsIn(header, {})).toHaveLength(1);
  expect(faultsIn(header, { 'x-a': 'a\nb' }).join()).toContain('/x-a must match pattern');
});
