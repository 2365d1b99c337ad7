/** The number of instances of each status. Eureka's hash is made of it, and copies of the list are compared by it. */
export type StatusCounts = Map<string, number>;

export function add(counts: StatusCounts, status: string, count: number): void {
  const sum = (counts.get(status) ?? 0) + count;
  if (sum === 0) counts.delete(status);
  else counts.set(status, sum);
}

/** Returns `DOWN_1_OUT_OF_SERVICE_2_UP_3_`, in alphabetical order. */
export const hashOf = (counts: StatusCounts): string =>
  [...counts]
    .map(([status, count]) => `${status}_${count}_`)
    .sort()
    .join('');

/** Parses a hash. Parts that are not counts are ignored. */
export function countsIn(hash: string): StatusCounts {
  const counts: StatusCounts = new Map();
  const words: string[] = [];
  for (const word of hash.split('_')) {
    if (words.length > 0 && /^\d{1,9}$/.test(word)) add(counts, words.splice(0).join('_'), Number(word));
    else words.push(word);
  }
  return counts;
}
