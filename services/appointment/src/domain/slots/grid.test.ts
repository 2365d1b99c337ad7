import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CELL_MILLIS, cellsOf, isOnGrid, nextOnGrid } from './grid.ts';

const instants = fc.integer({ min: -4e12, max: 4e12 });

it('has the cells that a stretch of time touches, and no other', () => {
  fc.assert(
    fc.property(instants, fc.integer({ min: 1, max: 1e8 }), (start, length) => {
      const cells = cellsOf({ start, end: start + length });
      expect(cells.first * CELL_MILLIS).toBeLessThanOrEqual(start);
      expect((cells.first + 1) * CELL_MILLIS).toBeGreaterThan(start);
      expect(cells.end * CELL_MILLIS).toBeGreaterThanOrEqual(start + length);
      expect((cells.end - 1) * CELL_MILLIS).toBeLessThan(start + length);
    }),
  );
});

it('gives no cell to two stretches on it that only touch', () => {
  const [before, after] = [cellsOf({ start: 0, end: CELL_MILLIS * 6 }), cellsOf({ start: CELL_MILLIS * 6, end: 1e8 })];
  expect(before.end).toBe(after.first);
});

it('goes on at the next point, or stays on one', () => {
  fc.assert(
    fc.property(instants, (instant) => {
      const next = nextOnGrid(instant);
      expect(isOnGrid(next)).toBe(true);
      expect(next - instant).toBeGreaterThanOrEqual(0);
      expect(next - instant).toBeLessThan(CELL_MILLIS);
    }),
  );
});
