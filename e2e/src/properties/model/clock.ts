/**
 * The clock of the system and of the model, which tests can move forward.
 * All services run in the process of the test, so holds expire, visits begin and days pass.
 * It never stops and never goes back.
 */
import { vi } from 'vitest';
import { CELL, MINUTE } from './units.ts';

export interface MovedClock {
  now(): number;
  pass(minutes: number): void;
  /**
   * Moves to shortly after a multiple of five minutes.
   * Every time in a rule is such a multiple, so no rule changes its result for minutes of real time.
   * Model and system cannot disagree about the present moment.
   */
  settle(): void;
}

export function moveClock(): MovedClock {
  const real = Temporal.Now.instant.bind(Temporal.Now);
  let ahead = 0;
  vi.spyOn(Temporal.Now, 'instant').mockImplementation(() => real().add({ milliseconds: ahead }));
  const now = () => Temporal.Now.instant().epochMilliseconds;
  return {
    now,
    pass(minutes) {
      ahead += minutes * MINUTE;
    },
    settle() {
      ahead += Math.ceil(now() / CELL) * CELL + MINUTE - now();
    },
  };
}
