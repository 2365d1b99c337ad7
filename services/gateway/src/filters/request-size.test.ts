import { expect, test } from 'vitest';
import { requestSize } from './request-size.ts';
import { contextOf, faultsIn } from './testing.ts';

test('the body of the route has this limit', () => {
  expect(requestSize.compile(10, contextOf()).bodyLimitBytes).toBe(10);
});

test('a limit that is not a number is refused', () => {
  expect(faultsIn(requestSize, 1e11)).toHaveLength(1);
});
