/** Bounds on what happens at once, and an order where order matters. */

/** Runs `work` on every item, on at most `limit` at once. After a failure it begins no other, and fails with it. */
export async function forEachConcurrently<Item>(
  limit: number,
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
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

export type Limiter = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Runs at most `limit` works at once. Those that wait are as many as the callers that it has. */
export function createLimiter(limit: number): Limiter {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running < limit) running += 1;
    else await new Promise<void>((begin) => waiting.push(begin));
    try {
      return await work();
    } finally {
      // Whoever waited longest takes this place; the number of those that run stays.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

export type KeyedQueue = <Result>(keys: readonly string[], work: () => Promise<Result>) => Promise<Result>;

/**
 * Works that share a key run one after the other, in the order in which they came. One waits only for those before
 * it, so that none waits for ever.
 */
export function createKeyedQueue(): KeyedQueue {
  const lastOf = new Map<string, Promise<unknown>>();
  return async (keys, work) => {
    const previous = keys.map((key) => lastOf.get(key));
    // What became of those before is the matter of those who asked for it.
    const task = Promise.allSettled(previous).then(work);
    for (const key of keys) lastOf.set(key, task);
    try {
      return await task;
    } finally {
      for (const key of keys) if (lastOf.get(key) === task) lastOf.delete(key);
    }
  };
}
