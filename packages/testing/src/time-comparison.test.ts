import { describe, expect, it } from 'vitest';
import { distancesFromFirst, measureInTurns, shareOfLater } from './time-comparison.ts';

describe('the share of later times', () => {
  it.each([
    [[1, 2, 3], [4, 5, 6], 1],
    [[4, 5, 6], [1, 2, 3], 0],
    [[1, 2, 3], [1, 2, 3], 0.5],
    [[1, 1], [1, 1], 0.5],
    [[1, 3], [2, 4], 0.75],
  ])('of %j and %j is %d', (earlier, later, share) => expect(shareOfLater(earlier, later)).toBe(share));
});

describe('measuring in turns', () => {
  it('takes one sample of each action a round, and counts none of the warm-ups', async () => {
    const calls: string[] = [];
    const measure = (name: string) => async () => {
      calls.push(name);
      return calls.length;
    };
    const times = await measureInTurns([measure('a'), measure('b')], { rounds: 5, warmUps: 2 });
    expect(times.map(({ length }) => length)).toEqual([5, 5]);
    for (let at = 0; at < calls.length; at += 2) expect(calls.slice(at, at + 2).toSorted()).toEqual(['a', 'b']);
    expect(Math.min(...times.flat())).toBe(5);
  });

  it('finds a difference that is smaller than the noise, and none where there is none', async () => {
    const noise = (shift: number) => async () => shift + Math.random();
    const [same = 1, other = 0] = await distancesFromFirst([noise(0), noise(0), noise(0.5)], {
      rounds: 200,
      warmUps: 0,
    });
    expect(same).toBeLessThan(0.2);
    expect(other).toBeGreaterThan(0.2);
  });
});
