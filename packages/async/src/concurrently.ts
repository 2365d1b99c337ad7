/** Runs the same work on many items with limited concurrency. */

const iteratorOf = <Item>(items: Iterable<Item> | AsyncIterable<Item>): Iterator<Item> | AsyncIterator<Item> =>
  Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();

/**
 * Runs `work` on every item, at most `limit` concurrently. After a failure it starts no more, waits for the work in
 * progress, closes the items and rejects.
 */
export async function forEachConcurrently<Item>(
  limit: number,
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = iteratorOf(items);
  let failed = false;
  async function worker(): Promise<void> {
    try {
      while (!failed) {
        const next = await iterator.next();
        if (next.done) return;
        await work(next.value);
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: limit }, worker));
  const failure = ends.find((end) => end.status === 'rejected');
  if (!failure) return;
  await iterator.return?.();
  throw failure.reason;
}

/** Returns the results of `work` on all items in their order, with at most `limit` concurrently. */
export async function mapConcurrently<Item, Result>(
  limit: number,
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  await forEachConcurrently(limit, items.entries(), async ([index, item]) => {
    results[index] = await work(item, index);
  });
  return results;
}
