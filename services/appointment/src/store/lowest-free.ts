/** Returns the lowest number from 0 on that is not taken: a seat, or the ordinal of a hold. */
export function lowestFree(taken: ReadonlySet<number | null>): number {
  let lowest = 0;
  while (taken.has(lowest)) lowest += 1;
  return lowest;
}
