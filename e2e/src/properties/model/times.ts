/** Generates starts and ranges, around the same few hours of the same few days. */
import fc from 'fast-check';
import { CELL, DAY, MINUTE } from './units.ts';

const WHERE = ['near', 'off-grid', 'past', 'soon', 'later', 'beyond', 'at-night'] as const;

export interface Time {
  readonly where: (typeof WHERE)[number];
  readonly day: number;
  readonly cell: number;
}

/** An hour: little more than two visits of one doctor. */
const CELLS = 12;

const where = fc.oneof(
  { arbitrary: fc.constant('near' as const), weight: 24 },
  { arbitrary: fc.constantFrom(...WHERE), weight: 6 },
);

export const time: fc.Arbitrary<Time> = fc.record({
  where,
  day: fc.constantFrom(0, 0, 0, 1),
  cell: fc.nat({ max: CELLS - 1 }),
});

/** 14:00 UTC, when doctors in New York work too, and far enough ahead for the notice throughout a run. */
const firstNear = (now: number): number => Math.floor(now / DAY) * DAY + 2 * DAY + 14 * 60 * MINUTE;

export function instantOf({ where, day, cell }: Time, now: number): number {
  const near = firstNear(now) + day * DAY + cell * CELL;
  switch (where) {
    case 'near':
      return near;
    case 'off-grid':
      return near + 2 * MINUTE;
    case 'past':
      return near - 4 * DAY;
    case 'soon':
      return Math.ceil(now / CELL) * CELL + cell * CELL;
    case 'later':
      return near + (20 + cell) * DAY;
    case 'beyond':
      return near + 300 * DAY;
    case 'at-night':
      return near + 12 * 60 * MINUTE;
  }
}
