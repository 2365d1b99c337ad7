/** The grid of five minutes for all starts, and the cells of an interval. */
import { GRID_MINUTES, MINUTE } from '@daybook/contracts';

export const CELL_MILLIS = GRID_MINUTES * MINUTE;

/** Half-open, in milliseconds since 1970 UTC. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Cells since 1970 UTC, half-open. */
export interface Cells {
  readonly first: number;
  readonly end: number;
}

export const isOnGrid = (instant: number): boolean => instant % CELL_MILLIS === 0;

export const cellsOf = ({ start, end }: Interval): Cells => ({
  first: Math.floor(start / CELL_MILLIS),
  end: Math.ceil(end / CELL_MILLIS),
});

export const nextOnGrid = (instant: number): number => Math.ceil(instant / CELL_MILLIS) * CELL_MILLIS;

export const lastOnGrid = (instant: number): number => Math.floor(instant / CELL_MILLIS) * CELL_MILLIS;
