/** For work that costs as much for one as for many: whatever comes while one batch is worked on makes up the next. */
import { setImmediate } from 'node:timers/promises';

export interface BatchWork<Item> {
  /** All of it is done, or nothing. */
  together(items: readonly Item[]): Promise<void>;
  /** For each of a batch that failed. Where it was the only one, `first` is how it failed. */
  alone(item: Item, first?: Promise<void>): Promise<void>;
}

interface Waiting<Item> {
  readonly item: Item;
  resolve(outcome: void | Promise<void>): void;
}

/**
 * What it returns takes an item, and is done with it when its batch is, or when it was done alone. How many wait is bounded by who
 * gives them: a bus waits for what it has given.
 * @param most of a batch
 */
export function createBatches<Item>(work: BatchWork<Item>, most: number): (item: Item) => Promise<void> {
  const waiting: Waiting<Item>[] = [];
  let isWorking = false;

  async function workOn(batch: readonly Waiting<Item>[]): Promise<void> {
    const done = Promise.try(() => work.together(batch.map(({ item }) => item)));
    try {
      await done;
      for (const { resolve } of batch) resolve();
    } catch {
      // One may be to blame for all: each hears of its own failure. The next batch does not wait for that.
      for (const { item, resolve } of batch) resolve(batch.length === 1 ? work.alone(item, done) : work.alone(item));
    }
  }

  async function workOnAll(): Promise<void> {
    // What comes in the same turn comes along.
    await setImmediate();
    while (waiting.length > 0) await workOn(waiting.splice(0, most));
    isWorking = false;
  }

  return (item) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push({ item, resolve });
    if (!isWorking) {
      isWorking = true;
      void workOnAll();
    }
    return promise;
  };
}
