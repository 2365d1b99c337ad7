/** Everything that has to be on the broker, and how it is declared. Publishers and consumers declare all of it alike. */
import { EVENT_EXCHANGE, type EventType, routingKeyOf } from '@daybook/contracts';
import type { ChannelModel } from 'amqplib';

/** The consumers by name, and the types that each wants. */
export type Consumers = ReadonlyMap<string, readonly EventType[]>;

/**
 * How often an event is brought to consumers that go away with it before it is a dead letter. RabbitMQ 4 has the same
 * number where none is given, 3.10 none at all.
 */
export const DELIVERY_LIMIT = 20;
/** Dead letters wait for a database that can keep them: RabbitMQ 4 would throw them away after 20 attempts. */
const NO_DELIVERY_LIMIT = 1_000_000_000;
/** For a person to look at; the oldest go first. */
const MOST_UNREADABLE = 10_000;

export interface Names {
  readonly events: string;
  readonly deadLetters: string;
  /** Messages that are no event of the catalogue. */
  readonly unreadable: string;
  queueOf(consumer: string): string;
  deadLetterQueueOf(consumer: string): string;
}

const [NAMESPACE = ''] = EVENT_EXCHANGE.split('.');

/** All names begin with the namespace; tests that share a broker have one each. */
export const namesIn = (namespace: string = NAMESPACE): Names => ({
  events: `${namespace}.events`,
  deadLetters: `${namespace}.dead-letters`,
  unreadable: `${namespace}.unreadable`,
  queueOf: (consumer) => `${namespace}.${consumer}`,
  deadLetterQueueOf: (consumer) => `${namespace}.${consumer}.dead`,
});

export interface Exchange {
  readonly name: string;
  readonly type: 'topic' | 'direct';
}

export interface Queue {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string | number | boolean>>;
}

export interface Binding {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
}

export interface Topology {
  readonly exchanges: readonly Exchange[];
  readonly queues: readonly Queue[];
  readonly bindings: readonly Binding[];
}

/** What the queue gives up goes there, and stays in the queue until it has arrived: for that it has to `reject-publish`. */
const givingUpTo = ({ deadLetters }: Names, routingKey: string) => ({
  'x-dead-letter-exchange': deadLetters,
  'x-dead-letter-routing-key': routingKey,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
});

/** Of all consumers of a name one has the queue at a time, the others wait for it to go: two would overtake each other. */
const queueFor = (consumer: string, names: Names): Queue => ({
  name: names.queueOf(consumer),
  arguments: {
    'x-queue-type': 'quorum',
    'x-single-active-consumer': true,
    'x-delivery-limit': DELIVERY_LIMIT,
    ...givingUpTo(names, names.deadLetterQueueOf(consumer)),
  },
});

const deadLetterQueueFor = (consumer: string, names: Names): Queue => ({
  name: names.deadLetterQueueOf(consumer),
  arguments: {
    'x-queue-type': 'quorum',
    'x-delivery-limit': NO_DELIVERY_LIMIT,
    ...givingUpTo(names, names.unreadable),
  },
});

const unreadableQueue = (names: Names): Queue => ({
  name: names.unreadable,
  arguments: { 'x-queue-type': 'quorum', 'x-max-length': MOST_UNREADABLE, 'x-overflow': 'drop-head' },
});

export function topologyOf(consumers: Consumers, names: Names = namesIn()): Topology {
  const toConsumers = [...consumers].flatMap(([consumer, types]) =>
    types.map((type) => ({
      queue: names.queueOf(consumer),
      exchange: names.events,
      routingKey: routingKeyOf(type),
    })),
  );
  const consumerNames = [...consumers.keys()];
  const toDeadLetters = [...consumerNames.map(names.deadLetterQueueOf), names.unreadable].map((queue) => ({
    queue,
    exchange: names.deadLetters,
    routingKey: queue,
  }));
  return {
    exchanges: [
      { name: names.events, type: 'topic' },
      { name: names.deadLetters, type: 'direct' },
    ],
    queues: [
      unreadableQueue(names),
      ...consumerNames.flatMap((consumer) => [deadLetterQueueFor(consumer, names), queueFor(consumer, names)]),
    ],
    bindings: [...toDeadLetters, ...toConsumers],
  };
}

/** Changes nothing where all is there. Rejects where something of that name is otherwise. */
export async function declare(connection: ChannelModel, topology: Topology): Promise<void> {
  const channel = await connection.createChannel();
  // The call that failed tells it.
  channel.on('error', () => undefined);
  await Promise.all([
    ...topology.exchanges.map(({ name, type }) => channel.assertExchange(name, type, { durable: true })),
    ...topology.queues.map((queue) => channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments })),
    ...topology.bindings.map(({ queue, exchange, routingKey }) => channel.bindQueue(queue, exchange, routingKey)),
  ]);
  await channel.close();
}
