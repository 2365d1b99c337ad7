/** The port to the event bus. Adapters: in-process here; RabbitMQ beside it. */
import type { CloudEvent, EventType } from '@daybook/contracts';

export interface Subscription {
  /** The name of the consumer; a queue of its own on a broker. Consumers of one name share the work. */
  readonly consumer: string;
  readonly types: readonly EventType[];
  /** Resolves when the effect is stored; rejects when the event must come again. */
  handle(event: CloudEvent): Promise<void>;
  /** Puts aside an event that the bus has given up on. Without it such events stay where the bus keeps them. */
  park?(event: CloudEvent): Promise<void>;
}

export interface Bus {
  /**
   * Resolves when the bus has taken the event for every subscriber: at least once, in order within a subject. `signal`
   * ends the wait for a bus that takes nothing yet.
   */
  publish(event: CloudEvent, signal?: AbortSignal): Promise<void>;
  /** What is returned ends the subscription; the bus keeps what comes meanwhile for the next one of that name. */
  subscribe(subscription: Subscription): Promise<{ close(): Promise<void> }>;
  /** Rejects while the bus takes no events, so that they wait where they are. */
  check(): Promise<void>;
  close(): Promise<void>;
}
