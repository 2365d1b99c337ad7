import { expect, test } from 'vitest';
import { redirect } from './redirect.ts';
import { faultsIn, runOnRequest } from './testing.ts';

test('the response is a status and a location', () => {
  expect(runOnRequest(redirect, { status: 308, location: '/docs' }).response).toEqual({
    status: 308,
    headers: ['location', '/docs'],
  });
});

test.each(['//evil.example', 'javascript:alert(1)', '/a b', '/a\r\nx: y', 'https://a@b/', ''])(
  'the location %j is refused',
  (location) => {
    expect(faultsIn(redirect, { status: 302, location })).not.toEqual([]);
  },
);

test('a status that leads nowhere is refused', () => {
  expect(faultsIn(redirect, { status: 200, location: '/' })).toEqual([
    '/status must be one of 301, 302, 303, 307, 308',
  ]);
});
