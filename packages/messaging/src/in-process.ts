import { abortable } from '@daybook/async';
import type { EventType } from '@daybook/contracts';
import type { Bus, Subscription } from './bus.ts';

export interface InProcessBus extends Bus {
  /** Signals that all consumers are subscribed. Until then `publish` waits, so that late consumers miss no event. */
  open(): void;
}

interface Consumer {
  readonly types: readonly EventType[];
  /** The handlers of the subscriptions with this name; the first gets the events. Empty while the consumer is away. */
  readonly handlers: readonly Subscription['handle'][];
}

/**
 * The bus of one process. It keeps nothing: `publish` resolves when every consumer has stored its effect, and the
 * outbox keeps the event until then. If one consumer fails, all receive the event again, and their inboxes skip it. As
 * with a durable queue, `publish` fails while a known consumer is away.
 */
export function createInProcessBus(): InProcessBus {
  const consumers = new Map<string, Consumer>();
  const opened = Promise.withResolvers<void>();
  // Publishers get the rejection; without publishers it is not a failure.
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
