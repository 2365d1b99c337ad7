import { expect, test } from 'vitest';
import { addRequestParameter } from './add-request-parameter.ts';
import { runOnUpstreamRequest } from './testing.ts';

test.each([
  ['/a', '/a?source=a+b%26c'],
  ['/a?', '/a?source=a+b%26c'],
  ['/a?source=1', '/a?source=1&source=a+b%26c'],
])('%s becomes %s', (url, changed) => {
  expect(runOnUpstreamRequest(addRequestParameter, { source: 'a b&c' }, url).url).toBe(changed);
});
