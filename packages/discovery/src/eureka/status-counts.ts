/** How many instances of each status there are: Eureka's hash, by which a copy of the list is compared. */
export type StatusCounts = Map<string, number>;

export function add(counts: StatusCounts, status: string, count: number): void {
  const sum = (counts.get(status) ?? 0) + count;
  if (sum === 0) counts.delete(status);
  else counts.set(status, sum);
}

/** `DOWN_1_OUT_OF_SERVICE_2_UP_3_`, in alphabetical order. */
export const hashOf = (counts: StatusCounts): string =>
  [...counts]
    .map(([status, count]) => `${status}_${count}_`)
    .sort()
    .join('');

/** Whatever is no count in it is passed over. */
export function countsIn(hash: string): StatusCounts {
  const counts: StatusCounts = new Map();
  const words: string[] = [];
  for (const word of hash.split('_')) {
    if (words.length > 0 && /^\d{1,9}$/.test(word)) add(counts, words.splice(0).join('_'), Number(word));
    else words.push(word);
  }
  return counts;
}
