import { expect, test } from 'vitest';
import { prefixPath } from './prefix-path.ts';
import { faultsIn, runOnUpstreamRequest } from './testing.ts';

test('the prefix goes before the path, and the query stays', () => {
  expect(runOnUpstreamRequest(prefixPath, '/internal/v2', '/a/b?x=1').url).toBe('/internal/v2/a/b?x=1');
});

test.each(['internal', '/internal/', '/a?b', '/a b', ''])('the prefix %j is refused', (prefix) => {
  expect(faultsIn(prefixPath, prefix).join()).toContain('must match pattern');
});
