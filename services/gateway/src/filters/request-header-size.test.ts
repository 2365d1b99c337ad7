import { expect, test } from 'vitest';
import { requestHeaderSize } from './request-header-size.ts';
import { admitted } from './testing.ts';

const asks = (length: number) => admitted(requestHeaderSize, 100, { headers: { x: 'v'.repeat(length) } }).answer;

test('headers of just the size pass, a letter more is refused', () => {
  expect(asks(99)).toBeUndefined();
  expect(asks(100)).toMatchObject({ code: 'headers-too-large' });
});
