/** A half-open interval of time, `[start, end)`, in milliseconds since 1970 UTC. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Returns the same time in as few intervals as possible, in order. Touching intervals become one. */
export function union(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const interval of [...intervals].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (interval.end <= interval.start) continue;
    if (last && interval.start <= last.end) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, interval.end) };
    } else {
      merged.push(interval);
    }
  }
  return merged;
}

/** Returns the time within the intervals and outside of the others: in order, with gaps in between. */
export function subtract(intervals: readonly Interval[], others: readonly Interval[]): Interval[] {
  const cuts = union(others);
  const remaining: Interval[] = [];
  let next = 0;
  for (const { start, end } of union(intervals)) {
    let from = start;
    for (let cut = cuts[next]; cut && cut.start < end; cut = cuts[next]) {
      if (from < cut.start) remaining.push({ start: from, end: cut.start });
      from = Math.max(from, cut.end);
      // An interval that reaches beyond this one may cut the next one, too.
      if (cut.end > end) break;
      next += 1;
    }
    if (from < end) remaining.push({ start: from, end });
  }
  return remaining;
}

/** Returns the parts of the intervals within the range. */
export const clip = (intervals: readonly Interval[], range: Interval): Interval[] =>
  intervals
    .map(({ start, end }) => ({ start: Math.max(start, range.start), end: Math.min(end, range.end) }))
    .filter(({ start, end }) => start < end);
