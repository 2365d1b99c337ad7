/** Publishes events to the exchange, many concurrently. Each resolves when the broker has confirmed it. */

import { Latch, Semaphore } from '@daybook/async';
import { type CloudEvent, type EventType, routingKeyOf } from '@daybook/contracts';
import { type ChannelModel, type ConfirmChannel, IllegalOperationError, type Options } from 'amqplib';
import type { Logger } from 'pino';
import type { BrokerAddress } from './address.ts';
import { type Link, startLink } from './link.ts';
import { type Consumers, declare, type Names, topologyOf } from './topology.ts';

/** More than one relay publishes concurrently; further events wait. */
const MOST_IN_FLIGHT = 500;
/** An event without a confirm after this time is sent again on another connection. */
const CONFIRM_DEADLINE_MILLIS = 30_000;
const WATCH_INTERVAL_MILLIS = 5_000;

export const CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';

/**
 * The connection ended before the broker confirmed. The event is sent again, because the broker may or may not have it.
 */
class Unconfirmed extends Error {
  constructor(cause: Error) {
    super('the connection was lost before the broker confirmed', { cause });
    this.name = 'Unconfirmed';
  }
}

export interface PublisherOptions {
  readonly address: BrokerAddress;
  readonly name: string;
  readonly names: Names;
  /** The consumers whose queues must exist. Read again for each connection. */
  readonly consumers: Consumers;
  /** The service whose queues are its own. */
  readonly service: string | undefined;
  readonly logger: Logger;
}

interface InFlight {
  readonly since: number;
  fail(error: Error): void;
}

const messageOptions = (event: CloudEvent): Options.Publish => ({
  mandatory: true,
  persistent: true,
  contentType: CONTENT_TYPE,
  messageId: event.id,
  type: event.type,
  timestamp: Math.floor(Temporal.Instant.from(event.time).epochMilliseconds / 1000),
  headers: event.traceparent === undefined ? {} : { traceparent: event.traceparent },
});

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #link: Link;
  readonly #semaphore = new Semaphore(MOST_IN_FLIGHT);
  readonly #inFlight = new Set<InFlight>();
  /** The ids of events that the broker returned because a queue is missing; the confirm follows. */
  readonly #returned = new Set<string>();
  readonly #watch: NodeJS.Timeout;
  #channel: ConfirmChannel | undefined;
  /** Open while a channel accepts events. */
  readonly #latch = new Latch<ConfirmChannel>();
  #isBlocked = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { address, name, logger } = options;
    this.#link = startLink({
      address,
      name: `${name}, publishing`,
      logger,
      setUp: (connection) => this.#setUp(connection),
      onLost: (reason) => this.#onLost(reason),
      onBlocked: (isBlocked) => this.#onBlocked(isBlocked),
    });
    this.#watch = setInterval(() => this.#replaceWhenSilent(), WATCH_INTERVAL_MILLIS).unref();
  }

  get acceptsEvents(): boolean {
    return this.#channel !== undefined && !this.#isBlocked;
  }

  untilUp(): Promise<void> {
    return this.#link.untilUp();
  }

  /** Resolves when every queue of the event has it on disk. Waits while the broker is away. */
  publish(event: CloudEvent, signal?: AbortSignal): Promise<void> {
    return this.#semaphore.run(async () => {
      for (;;) {
        const channel = await this.#latch.wait(signal);
        try {
          return await this.#confirmed(channel, event);
        } catch (error) {
          if (!(error instanceof Unconfirmed)) throw error;
          signal?.throwIfAborted();
        }
      }
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    this.#latch.fail(new Error('the bus is closed'));
    await this.#link.close();
  }

  #confirmed(channel: ConfirmChannel, event: CloudEvent): Promise<void> {
    const outcome = Promise.withResolvers<void>();
    const inFlight = { since: performance.now(), fail: outcome.reject };
    this.#inFlight.add(inFlight);
    const onConfirm = (error: unknown) => {
      this.#inFlight.delete(inFlight);
      const cameBack = this.#returned.delete(event.id);
      if (error) outcome.reject(new Error('the broker refused an event', { cause: error }));
      else if (cameBack && this.#hasConsumer(event.type)) outcome.reject(this.#missingQueue(event.type));
      else outcome.resolve();
    };
    const content = Buffer.from(JSON.stringify(event));
    try {
      channel.publish(this.#options.names.events, routingKeyOf(event.type), content, messageOptions(event), onConfirm);
    } catch (error) {
      if (!(error instanceof IllegalOperationError)) throw error;
      // The channel was closed a moment ago.
      this.#inFlight.delete(inFlight);
      outcome.reject(new Unconfirmed(error));
    }
    return outcome.promise;
  }

  #hasConsumer(type: EventType): boolean {
    return [...this.#options.consumers.values()].some((types) => types.includes(type));
  }

  /** Replaces the connection, which declares the deleted queue again. Returns the error. */
  #missingQueue(type: EventType): Error {
    const error = new Error(`no queue for ${type}, which a consumer handles`);
    this.#link.replace(error);
    return error;
  }

  async #setUp(connection: ChannelModel): Promise<void> {
    const { consumers, names, service } = this.#options;
    await declare(connection, topologyOf(consumers, names), names, service);
    const channel = await connection.createConfirmChannel();
    channel.on('error', (error) => this.#link.replace(error));
    // Runs before the library calls back for each unconfirmed event.
    channel.prependListener('close', () => this.#onLost(new Error('the channel was closed')));
    channel.on('return', ({ properties }) => this.#returned.add(String(properties.messageId)));
    this.#channel = channel;
    this.#openIfPossible();
  }

  #onLost(reason: Error): void {
    this.#channel = undefined;
    this.#latch.close();
    for (const { fail } of this.#inFlight) fail(new Unconfirmed(reason));
    this.#inFlight.clear();
    this.#returned.clear();
  }

  #onBlocked(isBlocked: boolean): void {
    if (isBlocked === this.#isBlocked) return;
    this.#isBlocked = isBlocked;
    if (isBlocked) {
      this.#options.logger.warn('broker blocked: memory or disk low; events kept in the outbox');
      this.#latch.close();
    } else {
      this.#openIfPossible();
    }
  }

  #openIfPossible(): void {
    if (this.#channel && !this.#isBlocked) this.#latch.open(this.#channel);
  }

  #replaceWhenSilent(): void {
    const [oldest] = this.#inFlight;
    if (!oldest || this.#isBlocked || performance.now() - oldest.since < CONFIRM_DEADLINE_MILLIS) return;
    this.#link.replace(new Error(`the broker has not confirmed an event in ${CONFIRM_DEADLINE_MILLIS} ms`));
  }
}
