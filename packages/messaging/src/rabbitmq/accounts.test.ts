/** Runs services with accounts that have the rights of `rightsOf` and no others. */
import { randomUUID } from 'node:crypto';
import type { CloudEvent } from '@daybook/contracts';
import { canMakeAccounts, makeAccount } from '@daybook/testing/broker-accounts';
import { testBrokers, withBroker } from '@daybook/testing/brokers';
import type { Channel } from 'amqplib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testNamespace } from './testing.ts';
import { rightsOf } from './topology.ts';

/** The broker of this machine, on which `rabbitmqctl` works. */
const [broker] = await testBrokers();
const DEADLINE = { timeout: 30_000 };
/** `rabbitmqctl` takes seconds on a busy machine, and is called for each account. */
const TEST_MILLIS = 120_000;
const TYPE = 'daybook.appointment.booked.v1';
const CONSUMERS = new Map([
  ['notification.messages', [TYPE] as const],
  ['appointment.revalidation', ['daybook.patient.updated.v1'] as const],
]);

const event = (): CloudEvent => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/test',
  type: TYPE,
  subject: randomUUID(),
  time: '2026-11-30T09:00:00Z',
  datacontenttype: 'application/json',
  sequence: 1,
  data: {} as never,
});

async function setUp() {
  const url = broker?.url ?? '';
  const namespace = testNamespace(url);
  onTestFinished(() => namespace[Symbol.asyncDispose]());
  const accountOf = async (service: string) => {
    const account = await makeAccount(url, rightsOf(service, namespace.names));
    onTestFinished(() => account[Symbol.asyncDispose]());
    return account.url;
  };
  return { ...namespace, accountOf };
}

describe.skipIf(!broker || !(await canMakeAccounts()))('an account with the rights of its service', () => {
  it(
    'publishes to the queues of others, and consumes its own, whichever service starts first',
    async () => {
      const { accountOf, bus, lines } = await setUp();
      const appointment = bus({ url: await accountOf('appointment'), consumers: CONSUMERS, service: 'appointment' });
      const published = event();
      const publishing = appointment.publish(published);
      // Only notification may make its queue, so the event waits.
      await expect.poll(() => lines.join('\n'), DEADLINE).toContain('only its own service may make it');
      const notification = bus({ url: await accountOf('notification'), consumers: CONSUMERS, service: 'notification' });
      const received: string[] = [];
      await notification.subscribe({
        consumer: 'notification.messages',
        types: [TYPE],
        handle: async ({ id }) => void received.push(id),
      });
      await publishing;
      await Promise.all([appointment.untilUp(), notification.untilUp()]);
      await expect.poll(() => received, DEADLINE).toEqual([published.id]);
    },
    TEST_MILLIS,
  );

  it(
    'can neither read, empty nor delete the queue of another service, nor make one of another name',
    async () => {
      const { accountOf, bus, names } = await setUp();
      // The account of the tests, which may make everything.
      await bus({ consumers: CONSUMERS }).untilUp();
      const url = await accountOf('patient');
      const queue = names.queueOf('notification.messages');
      const refusalOf = (use: (channel: Channel) => Promise<unknown>) =>
        withBroker(url, async (connection) => {
          const channel = await connection.createChannel();
          channel.on('error', () => undefined);
          return use(channel).then(
            () => 'allowed',
            (error: unknown) => error,
          );
        });
      const refused = expect.objectContaining({ code: 403 });
      expect(await refusalOf((channel) => channel.consume(queue, () => undefined))).toEqual(refused);
      expect(await refusalOf((channel) => channel.get(queue))).toEqual(refused);
      expect(await refusalOf((channel) => channel.purgeQueue(queue))).toEqual(refused);
      expect(await refusalOf((channel) => channel.deleteQueue(queue))).toEqual(refused);
      expect(await refusalOf((channel) => channel.assertQueue(`${names.queueOf('stolen')}.copy`))).toEqual(refused);
      expect(await refusalOf((channel) => channel.assertExchange('other', 'fanout'))).toEqual(refused);
      expect(await refusalOf((channel) => channel.checkQueue(queue))).toBe('allowed');
    },
    TEST_MILLIS,
  );
});
