import { expect, test } from 'vitest';
import { randomHex, randomId } from './random.ts';

const many = Array.from({ length: 20_000 }, randomId);

test('an id is a UUID of version 4', () => {
  for (const id of many) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('no id comes twice, and every digit that may be any is each of them', () => {
  expect(new Set(many).size).toBe(many.length);
  for (let at = 0; at < 36; at += 1) {
    const digits = new Set(many.map((id) => id[at])).size;
    expect(digits).toBe([8, 13, 14, 18, 23].includes(at) ? 1 : at === 19 ? 4 : 16);
  }
});

test('no digits are given twice', () => {
  const pieces = Array.from({ length: 2_000 }, () => randomHex(16));
  expect(new Set(pieces).size).toBe(pieces.length);
  for (const piece of pieces) expect(piece).toMatch(/^[0-9a-f]{16}$/);
});
