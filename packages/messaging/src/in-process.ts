import type { CloudEvent } from '@daybook/contracts';
import type { Bus, Subscription } from './bus.ts';

/**
 * The bus of one process. It keeps nothing: `publish` resolves when every subscriber has stored its effect, and the
 * outbox keeps the event until then. An event that one subscriber could not handle comes again to all; their inboxes
 * know it.
 */
export function createInProcessBus(): Bus {
  const subscriptions: Subscription[] = [];
  return {
    async publish(event: CloudEvent) {
      const outcomes = await Promise.allSettled(
        subscriptions.filter(({ types }) => types.includes(event.type)).map(({ handle }) => handle(event)),
      );
      const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason);
      if (failures.length > 0) throw new AggregateError(failures, 'not every subscriber could handle the event');
    },
    async subscribe(subscription) {
      subscriptions.push(subscription);
    },
    async close() {
      subscriptions.length = 0;
    },
  };
}
