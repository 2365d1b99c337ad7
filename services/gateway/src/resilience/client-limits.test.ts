import { expect, test } from 'vitest';
import { CLIENT_LIMITS, ClientLimits } from './client-limits.ts';

const small = (perClient: number, total: number) =>
  new ClientLimits({ ...CLIENT_LIMITS, uploads: { perClient, total }, bodyBytes: { perClient, total } });

test('a client holds as much as its limit, and more only after a release', () => {
  const limits = small(2, 10);
  expect([1, 2, 3].map(() => limits.tryAcquire('uploads', 'a'))).toEqual([undefined, undefined, 'client']);
  limits.release('uploads', 'a');
  expect(limits.tryAcquire('uploads', 'a')).toBeUndefined();
});

test('another client is not limited by what the first one holds', () => {
  const limits = small(1, 10);
  limits.tryAcquire('uploads', 'a');
  expect(limits.tryAcquire('uploads', 'b')).toBeUndefined();
});

test('all clients together hold as much as the total', () => {
  const limits = small(2, 3);
  for (const client of ['a', 'a', 'b']) expect(limits.tryAcquire('uploads', client)).toBeUndefined();
  expect(limits.tryAcquire('uploads', 'b')).toBe('total');
  limits.release('uploads', 'a');
  expect(limits.tryAcquire('uploads', 'b')).toBeUndefined();
});

test('an amount fits whole or not at all', () => {
  const limits = small(100, 150);
  expect(limits.tryAcquire('bodyBytes', 'a', 99)).toBeUndefined();
  expect(limits.tryAcquire('bodyBytes', 'a', 2)).toBe('client');
  expect(limits.tryAcquire('bodyBytes', 'a', 1)).toBeUndefined();
  expect(limits.tryAcquire('bodyBytes', 'b', 51)).toBe('total');
});

test('a client that holds nothing is forgotten', () => {
  const limits = small(2, 3);
  limits.tryAcquire('uploads', 'a');
  limits.tryAcquire('bodyBytes', 'a', 2);
  limits.release('uploads', 'a');
  expect(limits.size).toBe(1);
  limits.release('bodyBytes', 'a', 2);
  expect(limits.size).toBe(0);
  expect(limits.tryAcquire('uploads', 'b')).toBeUndefined();
});

test('a client that was refused is not remembered', () => {
  const limits = small(0, 3);
  expect(limits.tryAcquire('uploads', 'a')).toBe('client');
  expect(limits.size).toBe(0);
});
