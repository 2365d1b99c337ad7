/** The RabbitMQ servers for tests. Tests of a missing server are skipped with a message. */
import { connect } from 'node:net';
import { type ChannelModel, connect as connectAmqp } from 'amqplib';

const PROBE_MILLIS = 2_000;

export interface TestBroker {
  readonly name: string;
  readonly url: string;
}

const settings = [
  {
    key: 'rabbitmq',
    name: 'RabbitMQ',
    url: process.env.DAYBOOK_TEST_AMQP_URL || 'amqp://guest:guest@127.0.0.1:5672',
    how: 'apt-get install rabbitmq-server, or DAYBOOK_TEST_AMQP_URL=amqp://…',
  },
  {
    key: 'rabbitmq4',
    name: 'RabbitMQ 4',
    url: process.env.DAYBOOK_TEST_AMQP4_URL || undefined,
    how: 'docker run -d -p 127.0.0.1:5674:5672 rabbitmq:4-management, and DAYBOOK_TEST_AMQP4_URL=amqp://guest:guest@127.0.0.1:5674',
  },
];

export const isRequired = (server: string): boolean =>
  (process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').includes(server);

function listens(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 5672) });
    const end = (isListening: boolean) => {
      socket.destroy();
      resolve(isListening);
    };
    socket.setTimeout(PROBE_MILLIS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/**
 * Returns the available servers. Prints how to start each missing one.
 * @throws when `rabbitmq` or `rabbitmq4` is in DAYBOOK_TEST_REQUIRE and that server is missing
 */
export async function testBrokers(): Promise<TestBroker[]> {
  const available: TestBroker[] = [];
  for (const { key, name, url, how } of settings) {
    if (url !== undefined && (await listens(url))) available.push({ name, url });
    else if (isRequired(key)) throw new Error(`${name} is required and does not listen: ${how}`);
    else console.warn(`SKIPPED: the tests on ${name}, which does not listen. To run them: ${how}`);
  }
  return available;
}

/** Opens a connection for a test's own commands. */
export async function withBroker<Result>(
  url: string,
  use: (connection: ChannelModel) => Promise<Result>,
): Promise<Result> {
  const connection = await connectAmqp(url);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

/** Removes what tests left on the broker. */
export const removeFromBroker = (url: string, names: { queues: readonly string[]; exchanges: readonly string[] }) =>
  withBroker(url, async (connection) => {
    const channel = await connection.createChannel();
    for (const queue of names.queues) await channel.deleteQueue(queue);
    for (const exchange of names.exchanges) await channel.deleteExchange(exchange);
  });
