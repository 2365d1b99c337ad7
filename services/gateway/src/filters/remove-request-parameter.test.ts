import { expect, test } from 'vitest';
import { removeRequestParameter } from './remove-request-parameter.ts';
import { runOnUpstreamRequest } from './testing.ts';

test.each([
  ['/a', '/a'],
  ['/a?debug', '/a'],
  ['/a?debug=1&x=%C3%A4&debug=2', '/a?x=%C3%A4'],
  ['/a?%64ebug=1&x', '/a?x'],
  ['/a?debugx=1&Debug=1', '/a?debugx=1&Debug=1'],
  ['/a?%zz&debug', '/a?%zz'],
  ['/a?x=debug', '/a?x=debug'],
])('%s becomes %s', (url, changed) => {
  expect(runOnUpstreamRequest(removeRequestParameter, ['debug'], url).url).toBe(changed);
});
