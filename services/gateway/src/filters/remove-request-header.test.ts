import { expect, test } from 'vitest';
import { removeRequestHeader } from './remove-request-header.ts';
import { faultsIn, runOnUpstreamRequest } from './testing.ts';

test('the service gets the headers without this one', () => {
  const headers = ['x-a', '1', 'x-b', 'x-a', 'x-a', '2', 'x-c', 'c'];
  expect(runOnUpstreamRequest(removeRequestHeader, ['X-A'], '/a', headers).headers).toEqual(['x-b', 'x-a', 'x-c', 'c']);
});

test('a header that frames a message is refused', () => {
  expect(faultsIn(removeRequestHeader, ['x-a', 'Content-Length'])).toEqual(['/1 is set by the gateway itself']);
});
