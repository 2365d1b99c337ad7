/** For work that costs as much for one as for many: whatever comes while one batch is worked on makes up the next. */
import { setImmediate } from 'node:timers/promises';

export interface BatchProcessor<Item> {
  /** All of it is done, or nothing. */
  processBatch(items: readonly Item[]): Promise<void>;
  /** For each of a batch that failed. Where it was the only one, `first` is how it failed. */
  processOne(item: Item, first?: Promise<void>): Promise<void>;
}

interface PendingItem<Item> {
  readonly item: Item;
  resolve(outcome: void | Promise<void>): void;
}

/**
 * What it returns takes an item, and is done with it when its batch is, or when it was done alone. How many wait is bounded by who
 * gives them: a bus waits for what it has given.
 * @param maxSize of a batch
 */
export function createMicroBatcher<Item>(work: BatchProcessor<Item>, maxSize: number): (item: Item) => Promise<void> {
  const pending: PendingItem<Item>[] = [];
  let isWorking = false;

  async function run(batch: readonly PendingItem<Item>[]): Promise<void> {
    const done = Promise.try(() => work.processBatch(batch.map(({ item }) => item)));
    try {
      await done;
      for (const { resolve } of batch) resolve();
    } catch {
      // One may be to blame for all: each hears of its own failure. The next batch does not wait for that.
      for (const { item, resolve } of batch)
        resolve(batch.length === 1 ? work.processOne(item, done) : work.processOne(item));
    }
  }

  async function drain(): Promise<void> {
    // What comes in the same turn comes along.
    await setImmediate();
    while (pending.length > 0) await run(pending.splice(0, maxSize));
    isWorking = false;
  }

  return (item) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    pending.push({ item, resolve });
    if (!isWorking) {
      isWorking = true;
      void drain();
    }
    return promise;
  };
}
