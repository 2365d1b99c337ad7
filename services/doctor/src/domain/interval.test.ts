import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clip, type Interval, subtract, union } from './interval.ts';

const interval = fc
  .tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -5, max: 30 }))
  .map(([start, length]): Interval => ({ start, end: start + length }));
const intervals = fc.array(interval, { maxLength: 12 });

/** Returns every whole moment within one of the intervals. */
function momentsIn(list: readonly Interval[]): Set<number> {
  const moments = new Set<number>();
  for (const { start, end } of list) for (let at = start; at < end; at += 1) moments.add(at);
  return moments;
}

function expectInOrder(list: readonly Interval[]): void {
  for (const [index, { start, end }] of list.entries()) {
    expect(start).toBeLessThan(end);
    expect(list[index - 1]?.end ?? Number.NEGATIVE_INFINITY).toBeLessThan(start);
  }
}

describe('the union', () => {
  it('covers the same moments, in order, with a gap between any two', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        const merged = union(list);
        expect(momentsIn(merged)).toEqual(momentsIn(list));
        expectInOrder(merged);
      }),
    );
  });

  it('does not depend on the order, and of a union is that union', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        expect(union(list.toReversed())).toEqual(union(list));
        expect(union(union(list))).toEqual(union(list));
      }),
    );
  });

  it('joins what touches', () => {
    expect(
      union([
        { start: 5, end: 9 },
        { start: 1, end: 5 },
      ]),
    ).toEqual([{ start: 1, end: 9 }]);
  });
});

describe('the difference', () => {
  it('covers the moments of the first that are not of the second, in order, with a gap between any two', () => {
    fc.assert(
      fc.property(intervals, intervals, (list, others) => {
        const left = subtract(list, others);
        expect(momentsIn(left)).toEqual(momentsIn(list).difference(momentsIn(others)));
        expectInOrder(left);
      }),
      { numRuns: 500 },
    );
  });

  it('from nothing is the union, and from itself nothing', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        expect(subtract(list, [])).toEqual(union(list));
        expect(subtract(list, list)).toEqual([]);
      }),
    );
  });

  it('splits what is cut in its middle, and one cut can reach over two', () => {
    const [morning, afternoon] = [
      { start: 9, end: 12 },
      { start: 13, end: 17 },
    ];
    expect(subtract([morning], [{ start: 10, end: 11 }])).toEqual([
      { start: 9, end: 10 },
      { start: 11, end: 12 },
    ]);
    expect(subtract([morning, afternoon], [{ start: 11, end: 14 }])).toEqual([
      { start: 9, end: 11 },
      { start: 14, end: 17 },
    ]);
  });
});

describe('the clip', () => {
  it('leaves the moments that lie within the range', () => {
    fc.assert(
      fc.property(intervals, interval, (list, range) => {
        const inRange = momentsIn([range]);
        expect(momentsIn(clip(list, range))).toEqual(momentsIn(list).intersection(inRange));
      }),
    );
  });

  it('keeps a union a union', () => {
    fc.assert(fc.property(intervals, interval, (list, range) => expectInOrder(clip(union(list), range))));
  });
});
