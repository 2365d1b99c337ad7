/** Limits concurrency, and keeps an order where order matters. */

/** Runs `work` on every item, at most `limit` concurrently. After a failure it starts no more, and rejects. */
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

/** Runs at most `limit` tasks concurrently. The number of waiting tasks is not limited. */
export function createLimiter(limit: number): Limiter {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running < limit) running += 1;
    else await new Promise<void>((begin) => waiting.push(begin));
    try {
      return await work();
    } finally {
      // Passes the slot to the task that has waited longest, so `running` stays the same.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

export type KeyedQueue = <Result>(keys: readonly string[], work: () => Promise<Result>) => Promise<Result>;

/**
 * Runs tasks that share a key in sequence, in the order of the calls.
 * A task waits only for earlier ones, so none waits forever.
 */
export function createKeyedQueue(): KeyedQueue {
  const lastOf = new Map<string, Promise<unknown>>();
  return async (keys, work) => {
    const previous = keys.map((key) => lastOf.get(key));
    // Ignores failures of earlier tasks, because their own callers receive them.
    const task = Promise.allSettled(previous).then(work);
    for (const key of keys) lastOf.set(key, task);
    try {
      return await task;
    } finally {
      for (const key of keys) if (lastOf.get(key) === task) lastOf.delete(key);
    }
  };
}
