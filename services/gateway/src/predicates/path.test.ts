import { expect, test } from 'vitest';
import { path } from './path.ts';
import { faultsIn } from './testing.ts';

test('a path may be whole, have {name} for a segment, or /** at its end', () => {
  expect(faultsIn(path, ['/a/b', '/a/{id}/b', '/a/**'])).toEqual([]);
});

test.each([
  [['/a/{id}/**'], '/0 must not have both {name} and /**'],
  [['/ok', '/{x}/{x}'], '/1 must not use a name twice'],
  [['/a', '/a'], 'must NOT have duplicate items'],
  [['/a/**/b'], '/0 must match pattern'],
  [['/**'], '/0 must match pattern'],
  [[], 'must NOT have fewer than 1 items'],
])('%j is refused', (paths, fault) => {
  expect(faultsIn(path, paths).join()).toContain(fault);
});
