import { expect, test } from 'vitest';
import { setPath } from './set-path.ts';
import { faultsIn, runOnUpstreamRequest } from './testing.ts';

test('the path is always this one, and the query stays', () => {
  expect(runOnUpstreamRequest(setPath, '/status', '/a/b?x=1').url).toBe('/status?x=1');
});

test('a path with a query is refused', () => {
  expect(faultsIn(setPath, '/status?all').join()).toContain('must match pattern');
});
