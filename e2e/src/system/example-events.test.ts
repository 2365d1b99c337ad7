/** The example of a consumer counts each event of a real Daybook on a real RabbitMQ once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectData } from '@daybook/client';
import { clientOf, halfHour, makeClinic, Program, startDaybook, temporaryFolder } from '@daybook/testing';
import { withBroker } from '@daybook/testing/brokers';
import { type PrivateBroker, privateBrokers } from '@daybook/testing/private-broker';
import { describe, expect, it, onTestFinished } from 'vitest';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const DEADLINE_MILLIS = 480_000;
const STEP_MILLIS = 120_000;

const [kind] = await privateBrokers();

/** The command of `npm run events`, without npm, which would survive a kill. */
const manifest: { scripts: { events: string } } = JSON.parse(readFileSync(join(EXAMPLES, 'package.json'), 'utf8'));
const [, ...eventsArguments] = manifest.scripts.events.split(' ');

function startExample(broker: PrivateBroker, folder: string): Program {
  const example = new Program('the example', {
    command: process.execPath,
    arguments: eventsArguments,
    environment: { ...process.env, AMQP_URL: broker.url, STATISTICS_FILE: join(folder, 'statistics.sqlite') },
    folder: EXAMPLES,
  });
  onTestFinished(async () => void (await example.end('SIGKILL')));
  return example;
}

describe.skipIf(!kind)('the example of a consumer', () => {
  it(
    'counts each event once, also one that comes again, and those that came while it did not run',
    async () => {
      await using folder = await temporaryFolder();
      if (!kind) throw new Error('there is no broker');
      await using broker = await kind.create();
      const example = startExample(broker, folder.path);
      await example.printed(/counts the events of example.statistics/, STEP_MILLIS);
      const data = join(folder.path, 'data');
      const system = await startDaybook({
        data,
        environment: { AMQP_URL: broker.url },
        readyWithinMillis: STEP_MILLIS,
      });
      onTestFinished(async () => void (await system.end('SIGKILL')));
      const client = clientOf(system);
      const { patient, doctor, type } = await makeClinic(client);
      const book = async (start: string) => {
        const body = { patientId: patient.id, doctorId: doctor.id, appointmentTypeId: type.id, start };
        return expectData(await client.POST('/api/v1/appointments', { body })).id;
      };
      const counted = (times: number, what: string) =>
        new RegExp(`doctor ${doctor.id}: ${times} of daybook.appointment.${what}.v1`);

      await withBroker(broker.url, async (connection) => {
        const channel = await connection.createConfirmChannel();
        const { queue } = await channel.assertQueue('', { exclusive: true });
        await channel.bindQueue(queue, 'daybook.events', 'appointment.booked');
        await book(halfHour(0));
        await example.printed(counted(1, 'booked'), STEP_MILLIS);
        await expect.poll(async () => (await channel.checkQueue(queue)).messageCount, { timeout: STEP_MILLIS }).toBe(1);
        const event = await channel.get(queue, { noAck: true });
        if (!event) throw new Error('the event is missing');
        channel.publish('daybook.events', 'appointment.booked', event.content, event.properties);
        await channel.waitForConfirms();
      });
      await example.printed(/event [0-9a-f-]{36} came again/, STEP_MILLIS);
      await example.end('SIGKILL');

      const id = await book(halfHour(4));
      const body = { reason: 'better' };
      expectData(await client.POST('/api/v1/appointments/{id}/cancel', { params: { path: { id } }, body }));
      const restarted = startExample(broker, folder.path);
      await restarted.printed(counted(2, 'booked'), STEP_MILLIS);
      await restarted.printed(counted(1, 'cancelled'), STEP_MILLIS);
      await system.end();
    },
    DEADLINE_MILLIS,
  );
});
