import { expect, test } from 'vitest';
import { addRequestHeader } from './add-request-header.ts';
import { faultsIn, runOnUpstreamRequest } from './testing.ts';

test('the service gets the header beside those that there are', () => {
  expect(runOnUpstreamRequest(addRequestHeader, { 'X-A': '2' }, '/a', ['x-a', '1']).headers).toEqual([
    'x-a',
    '1',
    'x-a',
    '2',
  ]);
});

test.each(['Connection', 'content-length', 'Transfer-Encoding', 'host', 'x-forwarded-for', 'x-request-id'])(
  'the header %s is refused',
  (name) => {
    expect(faultsIn(addRequestHeader, { [name]: 'x' })).toEqual([`/${name} is set by the gateway itself`]);
  },
);

test.each([
  ['x-a', 'a\r\nx-b: c'],
  ['x-a', ' a'],
  ['x-a', 'ä'],
])('a value that could be read as more than a value is refused', (name, value) => {
  expect(faultsIn(addRequestHeader, { [name]: value })).toHaveLength(1);
});
