import { expect, it } from 'vitest';
import { isNestedTooDeeply } from './json-depth.ts';

const isTooDeep = (json: string) => isNestedTooDeeply(Buffer.from(json), 2);

it.each([
  ['an array in an array', '[[1]]'],
  ['an object in an array', '[{"a":1}]'],
  ['many arrays beside each other', `[${Array(100).fill('[]')}]`],
  ['brackets in a string', '["[[[{{{"]'],
  ['brackets in a string behind a quote', String.raw`["\"[[[", "\\", "[[["]`],
  ['no JSON that ends in a string', '["[[[[['],
  ['no JSON that ends in an escape', '["\\'],
  ['nothing', ''],
])('two levels are allowed: %s', (_what, json) => {
  expect(isTooDeep(json)).toBe(false);
});

it.each([
  ['arrays', '[[[1]]]'],
  ['objects', '{"a":{"a":{}}}'],
  ['behind a string', String.raw`["\\",[["a"]], {"a":[{}]}]`],
  ['that do not end', '[[['],
])('three levels are too deep: %s', (_what, json) => {
  expect(isTooDeep(json)).toBe(true);
});
