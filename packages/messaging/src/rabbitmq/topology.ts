/**
 * Declares everything that the broker must have. Publishers and consumers declare all of it, so that no event is lost.
 * An account may have rights on the queues of one service only: see `rightsOf`.
 */
import { EVENT_EXCHANGE, type EventType, routingKeyOf } from '@daybook/contracts';
import type { Channel, ChannelModel } from 'amqplib';

/** The consumers by name, with the types that each consumes. */
export type Consumers = ReadonlyMap<string, readonly EventType[]>;

/**
 * How often an event is delivered to consumers that disconnect with it, before it becomes a dead letter. The default is
 * the same in RabbitMQ 4, and unlimited in 3.10.
 */
export const DELIVERY_LIMIT = 20;
/** Dead letters wait for a working database. RabbitMQ 4 would drop them after 20 attempts by default. */
const NO_DELIVERY_LIMIT = 1_000_000_000;
/** For inspection by people; the oldest are dropped first. */
const MOST_UNREADABLE = 10_000;

export interface Names {
  readonly events: string;
  readonly deadLetters: string;
  /** The queue of messages that are not events of the catalogue. */
  readonly unreadable: string;
  queueOf(consumer: string): string;
  deadLetterQueueOf(consumer: string): string;
}

const [NAMESPACE = ''] = EVENT_EXCHANGE.split('.');

/** Returns the names. All begin with the namespace; tests that share a broker have separate ones. */
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

/** Routes dead letters to that key. They stay in the queue until they arrive, which requires `reject-publish`. */
const givingUpTo = ({ deadLetters }: Names, routingKey: string) => ({
  'x-dead-letter-exchange': deadLetters,
  'x-dead-letter-routing-key': routingKey,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
});

/** Gives the queue to one consumer of a name at a time, because two would overtake each other. The others wait. */
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

/** The rights of an account on the broker, each a pattern of the names of queues and exchanges. */
export interface BrokerRights {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

const quote = (name: string): string => name.replaceAll('.', '\\.');

/**
 * Returns the rights that a service needs. It makes the exchanges and its own queues, and reads nothing else. It
 * publishes to the exchanges, and binds the queues of others to them, which takes the right to write.
 */
export function rightsOf(service: string, names: Names = namesIn()): BrokerRights {
  const own = quote(names.queueOf(`${service}.`));
  const shared = `${quote(names.events)}|${quote(names.deadLetters)}`;
  return {
    configure: `^(${shared}|${quote(names.unreadable)}|${own}.+)$`,
    write: `^${quote(names.queueOf(''))}.+$`,
    read: `^(${shared}|${own}.+)$`,
  };
}

/** Returns whether a service makes the queue. Without a service the process makes all queues. */
const isOwn = (queue: string, names: Names, service: string | undefined): boolean =>
  service === undefined || queue === names.unreadable || queue.startsWith(names.queueOf(`${service}.`));

async function onChannel<Result>(
  connection: ChannelModel,
  work: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await connection.createChannel();
  // The failed call reports the error.
  channel.on('error', () => undefined);
  const result = await work(channel);
  await channel.close();
  return result;
}

const assertQueue = (channel: Channel, queue: Queue) =>
  channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments });

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
const NOT_FOUND = 404;
const ACCESS_REFUSED = 403;

/**
 * Makes sure that the queue of another service exists. It is looked up first, which needs no rights. A failure ends a
 * channel, so each queue has its own.
 * @throws when the account may not make it: then its own service has to start first
 */
async function ensureForeignQueue(connection: ChannelModel, queue: Queue): Promise<void> {
  try {
    await onChannel(connection, (channel) => channel.checkQueue(queue.name));
  } catch (error) {
    if (codeOf(error) !== NOT_FOUND) throw error;
    await makeForeignQueue(connection, queue);
  }
}

async function makeForeignQueue(connection: ChannelModel, queue: Queue): Promise<void> {
  try {
    await onChannel(connection, (channel) => assertQueue(channel, queue));
  } catch (error) {
    if (codeOf(error) !== ACCESS_REFUSED) throw error;
    throw new Error(`the queue ${queue.name} is not there yet, and only its own service may make it`, { cause: error });
  }
}

/**
 * Declares the topology; changes nothing where it exists. Rejects when an existing object differs.
 * @param service whose queues are its own; those of others are made only if they are missing and the account may
 */
export async function declare(
  connection: ChannelModel,
  topology: Topology,
  names: Names,
  service?: string,
): Promise<void> {
  const own = topology.queues.filter(({ name }) => isOwn(name, names, service));
  const foreign = topology.queues.filter(({ name }) => !isOwn(name, names, service));
  const bind = (channel: Channel, queues: readonly Queue[]) =>
    topology.bindings
      .filter(({ queue }) => queues.some(({ name }) => name === queue))
      .map(({ queue, exchange, routingKey }) => channel.bindQueue(queue, exchange, routingKey));
  await onChannel(connection, (channel) =>
    Promise.all([
      ...topology.exchanges.map(({ name, type }) => channel.assertExchange(name, type, { durable: true })),
      ...own.map((queue) => assertQueue(channel, queue)),
      ...bind(channel, own),
    ]),
  );
  if (foreign.length === 0) return;
  for (const queue of foreign) await ensureForeignQueue(connection, queue);
  await onChannel(connection, (channel) => Promise.all(bind(channel, foreign)));
}
