import { expect, it } from 'vitest';
import { quantityOf } from './resources.ts';

it.each([
  ['250m', 0.25],
  ['2', 2],
  [2, 2],
  ['1.5', 1.5],
  ['384Mi', 384 * 1024 * 1024],
  ['1G', 1e9],
  ['much', undefined],
  ['5X', undefined],
  [null, undefined],
] as const)('reads the quantity %s as %s', (text, number) => {
  expect(quantityOf(text)).toBe(number);
});
