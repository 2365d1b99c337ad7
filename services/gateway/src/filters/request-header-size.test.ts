import { expect, test } from 'vitest';
import { requestHeaderSize } from './request-header-size.ts';
import { runOnRequest } from './testing.ts';

const refusalFor = (length: number) =>
  runOnRequest(requestHeaderSize, 100, { headers: { x: 'v'.repeat(length) } }).response;

test('headers of just the size pass, a letter more is refused', () => {
  expect(refusalFor(99)).toBeUndefined();
  expect(refusalFor(100)).toMatchObject({ code: 'headers-too-large' });
});
