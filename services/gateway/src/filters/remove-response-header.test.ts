import { expect, test } from 'vitest';
import { removeResponseHeader } from './remove-response-header.ts';
import { faultsIn, runOnResponse } from './testing.ts';

test('the client gets the headers without this one', () => {
  const headers = ['x-a', '1', 'x-b', 'x-a', 'x-a', '2', 'x-c', 'c'];
  expect(runOnResponse(removeResponseHeader, ['X-A'], { headers: headers }).headers).toEqual([
    'x-b',
    'x-a',
    'x-c',
    'c',
  ]);
});

test('a header that frames a message is refused', () => {
  expect(faultsIn(removeResponseHeader, ['x-a', 'Content-Length'])).toEqual(['/1 is set by the gateway itself']);
});
