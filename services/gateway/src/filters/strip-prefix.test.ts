import { expect, test } from 'vitest';
import { stripPrefix } from './strip-prefix.ts';
import { faultsIn, runOnUpstreamRequest } from './testing.ts';

test.each([
  [1, '/a/b/c', '/b/c'],
  [2, '/a/b/c?x=/y', '/c?x=/y'],
  [1, '/a', '/'],
  [3, '/a/b?x=1', '/?x=1'],
  [1, '/a/', '/'],
  [1, '/a//b', '//b'],
])('%i segments of %s leave %s', (count, url, left) => {
  expect(runOnUpstreamRequest(stripPrefix, count, url).url).toBe(left);
});

test.each([0, 1.5, '1'])('%j segments are refused', (count) => {
  expect(faultsIn(stripPrefix, count)).toHaveLength(1);
});
