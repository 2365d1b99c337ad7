/** Batches work that costs as much for many items as for one. Items that arrive during one batch make up the next. */
import { setImmediate } from 'node:timers/promises';

export interface BatchProcessor<Item> {
  /** Processes all items or none. */
  processBatch(items: readonly Item[]): Promise<void>;
  /** Processes one item of a failed batch. If the batch had only this item, `first` is the failed attempt. */
  processOne(item: Item, first?: Promise<void>): Promise<void>;
}

interface PendingItem<Item> {
  readonly item: Item;
  resolve(outcome: void | Promise<void>): void;
}

/**
 * Returns a function that takes an item and resolves when its batch, or the item alone, is processed. The caller must
 * limit the number of pending items, as a bus does by waiting for events in progress.
 * @param maxSize the most items in a batch
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
      // One item may make the whole batch fail, so each is processed alone. The next batch does not wait for that.
      for (const { item, resolve } of batch)
        resolve(batch.length === 1 ? work.processOne(item, done) : work.processOne(item));
    }
  }

  async function drain(): Promise<void> {
    // Items that arrive in the same turn of the event loop join the batch.
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
