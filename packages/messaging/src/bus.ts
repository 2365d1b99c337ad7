/** The port to the event bus. The in-process adapter is in-process.ts, the one for RabbitMQ is in rabbitmq/. */
import type { CloudEvent, EventType } from '@daybook/contracts';

export interface Subscription {
  /** The name of the consumer, with its own queue on a broker. Consumers of one name share the work. */
  readonly consumer: string;
  readonly types: readonly EventType[];
  /** Resolves when the effect is stored. Rejects when the event must be redelivered. */
  handle(event: CloudEvent): Promise<void>;
  /** Parks an event that the bus has given up on. Without this method such events stay in the bus. */
  park?(event: CloudEvent): Promise<void>;
}

export interface Bus {
  /**
   * Resolves when the bus has taken the event for every subscriber: at least once, in order within a subject. `signal`
   * ends the wait for a bus that accepts nothing yet.
   */
  publish(event: CloudEvent, signal?: AbortSignal): Promise<void>;
  /** Returns how to end the subscription. The bus keeps events for the next subscription of that name. */
  subscribe(subscription: Subscription): Promise<{ close(): Promise<void> }>;
  /** Rejects while the bus accepts no events, so that they stay in the outbox. */
  check(): Promise<void>;
  close(): Promise<void>;
}
