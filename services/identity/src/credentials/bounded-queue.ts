import { Semaphore } from '@daybook/async';
import { Refusal } from '@daybook/contracts';

/** Limits how much work runs simultaneously, and how much waits for that. */
export interface BoundedQueue {
  /** @throws Refusal `service-unavailable` when too much work waits already */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

export function createBoundedQueue({ running, waiting }: { running: number; waiting: number }): BoundedQueue {
  const semaphore = new Semaphore(running);
  let accepted = 0;
  return {
    async run(work) {
      if (accepted >= running + waiting) {
        throw new Refusal('service-unavailable', 'Too many people sign in at this moment.', { retryAfterSeconds: 2 });
      }
      accepted += 1;
      try {
        return await semaphore.run(work);
      } finally {
        accepted -= 1;
      }
    },
  };
}
