/** Half-open stretches of time, `[start, end)`, in milliseconds since 1970 UTC. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** The same time in as few intervals as possible, in order; what touches becomes one. */
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

/** The time that lies in the intervals and in none of the others: in order, with a gap between any two. */
export function subtract(intervals: readonly Interval[], others: readonly Interval[]): Interval[] {
  const cuts = union(others);
  const remaining: Interval[] = [];
  let next = 0;
  for (const { start, end } of union(intervals)) {
    let from = start;
    for (let cut = cuts[next]; cut && cut.start < end; cut = cuts[next]) {
      if (from < cut.start) remaining.push({ start: from, end: cut.start });
      from = Math.max(from, cut.end);
      // One that reaches beyond this interval may cut the next one, too.
      if (cut.end > end) break;
      next += 1;
    }
    if (from < end) remaining.push({ start: from, end });
  }
  return remaining;
}

/** What of the intervals lies within the range. */
export const clip = (intervals: readonly Interval[], range: Interval): Interval[] =>
  intervals
    .map(({ start, end }) => ({ start: Math.max(start, range.start), end: Math.min(end, range.end) }))
    .filter(({ start, end }) => start < end);
