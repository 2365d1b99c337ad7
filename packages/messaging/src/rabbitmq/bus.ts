/** The bus over RabbitMQ: see docs/decisions/0019-rabbitmq.md. */
import { type CloudEvent, eventConsumers, eventTypes } from '@daybook/contracts';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import type { Bus, Subscription } from '../bus.ts';
import { parseBrokerUrl } from './address.ts';
import { type Link, startLink } from './link.ts';
import { Publisher } from './publisher.ts';
import { Reader, type Task } from './reader.ts';
import { type Consumers, declare, namesIn, topologyOf } from './topology.ts';

export { type BrokerRights, rightsOf } from './topology.ts';

export interface RabbitBusOptions {
  readonly url: string;
  /** The name in the broker's list of connections. */
  readonly name: string;
  readonly logger: Logger;
  /** The consumers whose queues must exist; by default those of the catalogue. */
  readonly consumers?: Consumers;
  /** The service that uses the bus, such as `appointment`. Its account may lack rights on the queues of others. */
  readonly service?: string | undefined;
  /** The prefix of all names on the broker; for tests. */
  readonly namespace?: string;
  /** How long a consumer may fail before it leaves its queue to another instance. */
  readonly patienceMillis?: number | undefined;
}

export interface RabbitBus extends Bus {
  /** Resolves when both connections are up and every queue is declared. Waiting for it is optional. */
  untilUp(): Promise<void>;
}

const catalogue: Consumers = new Map(Object.entries(eventConsumers));

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Checks the fields that a bus needs to deliver an event. The consumer validates the data. */
function isEvent(value: unknown): value is CloudEvent {
  return (
    isObject(value) &&
    value.specversion === '1.0' &&
    typeof value.type === 'string' &&
    Object.hasOwn(eventTypes, value.type) &&
    [value.id, value.subject].every((id) => typeof id === 'string' && UUID.test(id)) &&
    [value.source, value.time].every((text) => typeof text === 'string') &&
    Number.isSafeInteger(value.sequence) &&
    isObject(value.data)
  );
}

function eventIn({ content }: ConsumeMessage): CloudEvent | undefined {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function createRabbitBus(options: RabbitBusOptions): RabbitBus {
  const { url, name, logger, consumers = catalogue, service, namespace, patienceMillis } = options;
  const address = parseBrokerUrl(url);
  const names = namesIn(namespace);
  const known = new Map(consumers);
  const readers = new Set<Reader>();
  const publisher = new Publisher({ address, name, names, consumers: known, service, logger });
  // Opened with the first subscription, as a separate connection. A broker short of memory stops reading from
  // publishers, and acknowledgements on their connection would wait as well.
  let link: Link | undefined;
  let connected: ChannelModel | undefined;

  const startConsuming = () =>
    startLink({
      address,
      name: `${name}, consuming`,
      logger,
      async setUp(connection) {
        await join(connection, readers);
        connected = connection;
      },
      onLost() {
        connected = undefined;
        for (const reader of readers) reader.onConnectionLost();
      },
    });
  const replaceLink = (reason: Error) => link?.replace(reason);

  const readerOf = (queue: string, taskOf: (event: CloudEvent) => Task): Reader =>
    new Reader({
      queue,
      logger,
      patienceMillis,
      taskOf(message) {
        const event = eventIn(message);
        if (event) return taskOf(event);
        logger.error({ queue, messageId: message.properties.messageId }, 'unknown message dead-lettered');
        return undefined;
      },
      onFailure: replaceLink,
    });

  function readersOf({ consumer, types, handle, park }: Subscription): Reader[] {
    const nothing = async () => undefined;
    const reader = readerOf(names.queueOf(consumer), (event) => ({
      orderingKey: event.subject,
      // Another version of this consumer may have bound other types.
      run: types.includes(event.type) ? () => handle(event) : nothing,
    }));
    if (!park) return [reader];
    const deadLetters = readerOf(names.deadLetterQueueOf(consumer), (event) => ({
      orderingKey: event.id,
      run: () => park(event),
    }));
    return [reader, deadLetters];
  }

  async function join(connection: ChannelModel, joining: Iterable<Reader>): Promise<void> {
    await declare(connection, topologyOf(known, names), names, service);
    for (const reader of joining) await reader.open(connection);
  }

  return {
    publish: (event, signal) => publisher.publish(event, signal),
    async subscribe(subscription) {
      known.set(subscription.consumer, subscription.types);
      const own = readersOf(subscription);
      for (const reader of own) readers.add(reader);
      link ??= startConsuming();
      if (connected) await join(connected, own).catch(replaceLink);
      return {
        async close() {
          for (const reader of own) readers.delete(reader);
          await Promise.all(own.map((reader) => reader.close()));
        },
      };
    },
    async check() {
      if (!publisher.acceptsEvents) throw new Error('the broker takes no events');
      if (link && !link.isUp) throw new Error('the broker delivers no events');
    },
    async untilUp() {
      await Promise.all([publisher.untilUp(), link?.untilUp()]);
    },
    async close() {
      await Promise.all([...readers].map((reader) => reader.close()));
      await Promise.all([publisher.close(), link?.close()]);
    },
  };
}
