import { expect, it } from 'vitest';
import { createAwakeClock } from './awake-clock.ts';

function clockBeside(start: number) {
  const time = { now: start };
  return { time, awake: createAwakeClock(() => time.now) };
}

it('goes on with the clock that it reads', () => {
  const { time, awake } = clockBeside(5_000);
  expect(awake()).toBe(0);
  for (let second = 1; second <= 100; second += 1) {
    time.now += 1_000;
    expect(awake()).toBe(second * 1_000);
  }
});

it('stands still while the machine sleeps, as far as a sleep shows', () => {
  const { time, awake } = clockBeside(0);
  time.now += 1_000;
  awake();
  time.now += 8 * 60 * 60 * 1_000;
  expect(awake()).toBe(6_000);
  time.now += 1_000;
  expect(awake()).toBe(7_000);
});
