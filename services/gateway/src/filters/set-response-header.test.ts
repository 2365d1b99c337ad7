import { expect, test } from 'vitest';
import { setResponseHeader } from './set-response-header.ts';
import { faultsIn, runOnResponse } from './testing.ts';

test('the client gets the header in the place of all that there are', () => {
  expect(
    runOnResponse(setResponseHeader, { 'X-A': '3', 'x-c': '' }, { headers: ['x-a', '1', 'x-b', 'b', 'x-a', '2'] })
      .headers,
  ).toEqual(['x-b', 'b', 'x-a', '3', 'x-c', '']);
});

test('a header of one connection, or an invalid name, is refused', () => {
  expect(faultsIn(setResponseHeader, { upgrade: 'x', 'a/b': 'x' })).toEqual([
    '/upgrade is set by the gateway itself',
    '/a~1b is not a header name',
  ]);
});
