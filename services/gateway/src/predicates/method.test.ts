import { expect, test } from 'vitest';
import { method } from './method.ts';
import { faultsIn, matches, ROUTE } from './testing.ts';

const preflight = {
  method: 'OPTIONS',
  headers: { origin: 'https://app.example.org', 'access-control-request-method': 'POST' },
};
const withCors = { route: { ...ROUTE, filters: [{ cors: { origins: ['*'] } }] } };

test('a method is one of those named', () => {
  expect(matches(method, ['GET', 'HEAD'], { method: 'HEAD' })).toBe(true);
  expect(matches(method, ['GET', 'HEAD'], { method: 'POST' })).toBe(false);
  expect(matches(method, ['GET'], { method: 'get' })).toBe(false);
});

test('a preflight counts as the method that it requests, where the route has cors', () => {
  expect(matches(method, ['POST'], preflight, withCors)).toBe(true);
  expect(matches(method, ['GET'], preflight, withCors)).toBe(false);
  expect(matches(method, ['POST'], preflight)).toBe(false);
  expect(matches(method, ['POST'], { ...preflight, method: 'GET' }, withCors)).toBe(false);
});

test('a method in small letters is refused', () => {
  expect(faultsIn(method, ['get']).join()).toContain('/0 must match pattern');
});
