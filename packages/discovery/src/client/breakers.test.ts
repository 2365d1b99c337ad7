import { TaskCancelledError } from 'cockatiel';
import { describe, expect, it } from 'vitest';
import { createTestLogger, instanceAt } from '../testing.ts';
import { AttemptFailure, UnusableResponse } from './attempt.ts';
import { createBreakers } from './breakers.ts';

const SICK = instanceAt('http://127.0.0.1:1001');
const OTHER = instanceAt('http://127.0.0.1:1002');
const FAILURE = new AttemptFailure('status 503');

/** Creates breakers with a clock that the test sets. */
function setUp() {
  const clock = { now: 0 };
  const log = createTestLogger();
  const breakers = createBreakers({ logger: log.logger, now: () => clock.now });
  const begin = (known = [SICK, OTHER]) => breakers.begin(SICK, known);
  const fail = () => begin().end(FAILURE);
  return { ...log, clock, breakers, begin, fail };
}

/** Creates breakers of which one opened a second ago. */
function setUpTrial() {
  const set = setUp();
  for (let count = 0; count < 3; count += 1) set.fail();
  set.clock.now = 1_000;
  return set;
}

describe('the breaker of an instance', () => {
  it('blocks it for a second after three failures in a row, and logs that once', () => {
    const { breakers, clock, begin, fail, count } = setUp();
    for (const step of ['fails', 'fails', 'works', 'fails', 'fails']) {
      if (step === 'fails') fail();
      else begin().end();
    }
    expect(breakers.blocks(SICK)).toBe(false);
    fail();
    expect([breakers.blocks(SICK), breakers.blocks(OTHER)]).toEqual([true, false]);
    clock.now = 999;
    expect(breakers.blocks(SICK)).toBe(true);
    clock.now = 1_000;
    expect(breakers.blocks(SICK)).toBe(false);
    fail();
    expect(breakers.blocks(SICK)).toBe(true);
    expect(count('circuit breaker opened')).toBe(1);
  });

  it('admits one trial at a time, and closes when it succeeds', () => {
    const { breakers, begin, count } = setUpTrial();
    const trial = begin();
    expect(breakers.blocks(SICK)).toBe(true);
    trial.end();
    expect(breakers.blocks(SICK)).toBe(false);
    expect(count('circuit breaker closed')).toBe(1);
  });

  it('admits another trial after one whose caller left', () => {
    const { breakers, begin, count } = setUpTrial();
    begin().end(new TaskCancelledError('the call is over'));
    expect(breakers.blocks(SICK)).toBe(false);
    expect(count('circuit breaker closed')).toBe(0);
  });

  it('closes after an unusable response to a trial, which interrupts no series of failures otherwise', () => {
    const { begin, count } = setUpTrial();
    begin().end(new UnusableResponse('status 500'));
    expect(count('circuit breaker closed')).toBe(1);
    const { breakers, fail, begin: beginHere } = setUp();
    for (const _ of [1, 2]) fail();
    beginHere().end(new UnusableResponse('status 500'));
    fail();
    expect(breakers.blocks(SICK)).toBe(true);
  });

  it('is dropped with its instance when another one needs a breaker', () => {
    const { breakers } = setUpTrial();
    const late = breakers.begin(SICK, [SICK]);
    breakers.begin(OTHER, [OTHER]).end();
    late.end(FAILURE);
    expect(breakers.blocks(SICK)).toBe(false);
  });
});
