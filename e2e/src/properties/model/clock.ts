/**
 * The time of the system and of the model. All services run in the process of the test, so its clock can be moved on: holds
 * run out, visits begin, days pass. It never stands still and never goes back.
 */
import { vi } from 'vitest';
import { CELL, MINUTE } from './units.ts';

export interface MovedClock {
  now(): number;
  pass(minutes: number): void;
  /**
   * Moves on to shortly after a multiple of five minutes. All that a rule compares lies on multiples of five minutes, so
   * nothing is at stake for minutes of real time: model and system cannot disagree about the moment.
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
