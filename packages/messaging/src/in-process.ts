import { abortable } from '@daybook/async';
import type { EventType } from '@daybook/contracts';
import type { Bus, Subscription } from './bus.ts';

export interface InProcessBus extends Bus {
  /** Says that every consumer is there. Until then `publish` waits, so that no event passes a consumer that is late. */
  open(): void;
}

interface Consumer {
  readonly types: readonly EventType[];
  /** Of the subscriptions with its name; the first one gets the events. None while the consumer is away. */
  readonly handlers: readonly Subscription['handle'][];
}

/**
 * The bus of one process. It keeps nothing: `publish` resolves when every consumer has stored its effect, and the
 * outbox keeps the event until then. An event that one consumer could not handle comes again to all; their inboxes
 * know it. As with a durable queue, a consumer that was there once is waited for while it is away.
 */
export function createInProcessBus(): InProcessBus {
  const consumers = new Map<string, Consumer>();
  const opened = Promise.withResolvers<void>();
  // Who publishes hears of the rejection; nobody publishing is no failure.
  opened.promise.catch(() => undefined);
  let closed = false;

  return {
    async subscribe({ consumer, types, handle }) {
      const handlersOf = () => consumers.get(consumer)?.handlers ?? [];
      consumers.set(consumer, { types, handlers: [...handlersOf(), handle] });
      return {
        async close() {
          consumers.set(consumer, { types, handlers: handlersOf().filter((other) => other !== handle) });
        },
      };
    },
    open: () => opened.resolve(),
    async publish(event, signal) {
      await abortable(opened.promise, signal);
      if (closed) throw new Error('the bus is closed');
      const interested = [...consumers].filter(([, { types }]) => types.includes(event.type));
      const outcomes = await Promise.allSettled(
        interested.map(async ([name, { handlers }]) => {
          const [handle] = handlers;
          if (!handle) throw new Error(`the consumer ${name} is away`);
          await handle(event);
        }),
      );
      const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason);
      if (failures.length > 0) throw new AggregateError(failures, 'not every consumer could handle the event');
    },
    async check() {
      if (closed) throw new Error('the bus is closed');
    },
    async close() {
      closed = true;
      opened.reject(new Error('the bus is closed'));
    },
  };
}
