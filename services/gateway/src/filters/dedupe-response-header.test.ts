import { expect, test } from 'vitest';
import { dedupeResponseHeader } from './dedupe-response-header.ts';
import { faultsIn, runOnResponse } from './testing.ts';

test.each([
  ['first', ['x-b', 'b', 'x-a', '1']],
  ['last', ['x-b', 'b', 'x-a', '2']],
  ['unique', ['x-b', 'b', 'x-a', '1', 'x-a', '2']],
])('of a header that comes several times the %s is kept', (keep, headers) => {
  const given = ['x-a', ['1', '2'], 'x-b', 'b', 'x-a', '1', 'x-a', '2'];
  expect(runOnResponse(dedupeResponseHeader, { names: ['X-A'], keep }, { headers: given }).headers).toEqual(headers);
});

test('a header that comes once stays where it is', () => {
  const headers = ['x-a', '1', 'x-b', 'b'];
  expect(runOnResponse(dedupeResponseHeader, { names: ['x-a', 'x-c'], keep: 'first' }, { headers }).headers).toEqual(
    headers,
  );
});

test('a header that the gateway sets is refused', () => {
  expect(faultsIn(dedupeResponseHeader, { names: ['content-length'], keep: 'last' })).toEqual([
    '/names/0 is set by the gateway itself',
  ]);
});
