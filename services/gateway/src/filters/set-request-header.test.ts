import { expect, test } from 'vitest';
import { setRequestHeader } from './set-request-header.ts';
import { faultsIn, runOnUpstreamRequest } from './testing.ts';

test('the service gets the header in the place of all that there are', () => {
  expect(
    runOnUpstreamRequest(setRequestHeader, { 'X-A': '3', 'x-c': '' }, '/a', ['x-a', '1', 'x-b', 'b', 'x-a', '2'])
      .headers,
  ).toEqual(['x-b', 'b', 'x-a', '3', 'x-c', '']);
});

test('a header of one connection, or an invalid name, is refused', () => {
  expect(faultsIn(setRequestHeader, { upgrade: 'x', 'a/b': 'x' })).toEqual([
    '/upgrade is set by the gateway itself',
    '/a~1b is not a header name',
  ]);
});
