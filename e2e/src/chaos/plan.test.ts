import { describe, expect, it } from 'vitest';
import { createPlan, deckOf } from './plan.ts';

const ALL = deckOf({ jumpClocks: true, fillDisks: true });
const roundsOf = (seed: number, rounds: number) => {
  const next = createPlan({ seed, deck: ALL, roundMillis: 35_000, gapMillis: 1_700 });
  return Array.from({ length: rounds }, next);
};

describe('the plan of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(roundsOf(1, 3)).toEqual(roundsOf(1, 3));
    expect(roundsOf(1, 3)).not.toEqual(roundsOf(2, 3));
  });

  it('has every fault once before any comes again', () => {
    const names = roundsOf(3, 4)
      .flat()
      .map(({ kind, target }) => `${kind} ${target}`);
    const first = names.slice(0, ALL.length);
    expect(first.toSorted()).toEqual(ALL.map(({ kind, target }) => `${kind} ${target}`).toSorted());
  });

  it('begins every fault within its round, in order', () => {
    for (const round of roundsOf(4, 10)) {
      const starts = round.map(({ at }) => at);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      expect(Math.max(...starts)).toBeLessThan(35_000);
    }
  });

  it('never moves a clock as far as responses are stored', () => {
    const jumps = roundsOf(5, 40)
      .flat()
      .flatMap((fault) => (fault.kind === 'clock-jump' ? fault.seconds : []));
    expect(Math.max(...jumps.map(Math.abs))).toBeLessThan(12 * 3600);
    expect(new Set(jumps).size).toBeGreaterThan(3);
  });

  it('leaves out what the machine cannot do', () => {
    const kinds = deckOf({ jumpClocks: false, fillDisks: false }).map(({ kind }) => kind);
    expect(kinds).not.toContain('clock-jump');
    expect(kinds).not.toContain('disk-full');
  });
});
