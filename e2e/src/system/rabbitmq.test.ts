/** Runs over RabbitMQ: everything in one process, and separate services of which some are killed under load. */
import { type DaybookClient, expectData } from '@daybook/client';
import {
  clientOf,
  type DaybookProcess,
  halfHour,
  makeClinic,
  registerPatient,
  startDaybook,
  temporaryFolder,
} from '@daybook/testing';
import { type PrivateBroker, privateBrokers } from '@daybook/testing/private-broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const DEADLINE_MILLIS = 240_000;
const KILLS = 6;
const WORKERS = 6;

const [kind] = await privateBrokers();

async function messagesOf(client: DaybookClient, appointmentId: string): Promise<string[]> {
  const { data } = await client.GET('/api/v1/notifications', { params: { query: { appointmentId } } });
  return (data?.items ?? []).map(({ kind }) => kind);
}

describe.skipIf(!kind)('Daybook over RabbitMQ', () => {
  const stack = new AsyncDisposableStack();
  let broker: PrivateBroker;
  let environment: Record<string, string>;

  beforeAll(async () => {
    if (!kind) throw new Error('there is no broker');
    broker = stack.use(await kind.create());
    environment = { AMQP_URL: broker.url };
  }, DEADLINE_MILLIS);
  afterAll(() => stack.disposeAsync(), DEADLINE_MILLIS);

  async function readiness(url: string): Promise<string | undefined> {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
    const { components }: { components: Record<string, { status: string }> } = JSON.parse(await response.text());
    return components.bus?.status;
  }

  it(
    'takes a booking, a move and a cancellation through every service in one process, and publishes each once and in order',
    async () => {
      await using folder = await temporaryFolder();
      // The start waits for an unavailable broker, but not forever.
      const system = await startDaybook({ data: folder.path, environment, readyWithinMillis: 60_000 });
      const client = clientOf(system);
      const { patient, doctor, type } = await makeClinic(client);
      const body = { patientId: patient.id, doctorId: doctor.id, appointmentTypeId: type.id, start: halfHour(0) };
      const { id } = expectData(await client.POST('/api/v1/appointments', { body }));
      const path = { id };
      const start = halfHour(4);
      expectData(await client.POST('/api/v1/appointments/{id}/reschedule', { params: { path }, body: { start } }));
      expectData(
        await client.POST('/api/v1/appointments/{id}/cancel', { params: { path }, body: { reason: 'better' } }),
      );
      await expect
        .poll(() => messagesOf(client, id), { timeout: 20_000 })
        .toEqual(['booked', 'rescheduled', 'cancelled']);
      expect(await broker.control('list_queues', 'name', 'messages')).toContain('daybook.notification.messages\t0');
      await system.end();
    },
    DEADLINE_MILLIS,
  );

  it(
    'publishes each confirmed booking exactly once when appointment and notification service are killed under load',
    async () => {
      await using folder = await temporaryFolder();
      const processes = new Map<string, DaybookProcess>();
      const startService = async (service: string) => {
        const process = await startDaybook({ data: folder.path, service, environment });
        processes.set(service, process);
        return process;
      };
      try {
        await startService('registry');
        await Promise.all(['identity', 'patient', 'doctor', 'appointment', 'notification'].map(startService));
        const gateway = await startService('gateway');
        const client = clientOf(gateway);
        await expect
          .poll(async () => (await client.GET('/api/v1/doctors')).response.status, { timeout: 30_000 })
          .toBe(200);
        const clinics = await Promise.all(Array.from({ length: WORKERS }, () => makeClinic(client)));
        const confirmed: string[] = [];
        const over = new AbortController();
        const working = clinics.map(async ({ doctor, type, patient }) => {
          for (let n = 0; !over.signal.aborted && n < 400; n += 1) {
            const { id } = n === 0 ? patient : await registerPatient(client).catch(() => patient);
            const key = `${doctor.id}-${n}`;
            const body = { patientId: id, doctorId: doctor.id, appointmentTypeId: type.id, start: halfHour(n) };
            const params = { header: { 'idempotency-key': key } };
            // Repeats until a response arrives. With the same key it is the same booking.
            for (;;) {
              const response = await client.POST('/api/v1/appointments', { params, body }).catch(() => undefined);
              if (response?.data) confirmed.push(response.data.id);
              if (response && response.response.status < 500) break;
              await new Promise((resolve) => setTimeout(resolve, 50));
            }
          }
        });
        for (const kill of Array(KILLS).keys()) {
          const before = confirmed.length;
          await expect.poll(() => confirmed.length, { timeout: 60_000 }).toBeGreaterThan(before + 8);
          const service = kill % 2 === 0 ? 'notification' : 'appointment';
          await processes.get(service)?.end('SIGKILL');
          await startService(service);
        }
        over.abort();
        await Promise.all(working);
        expect(confirmed.length).toBeGreaterThan(KILLS * 8);
        for (const id of confirmed) {
          await expect.poll(() => messagesOf(client, id), { timeout: 30_000 }).toEqual(['booked']);
        }
        // The list may still contain the instance that was killed last.
        const parked = async () => (await client.GET('/api/v1/admin/parked-events')).data?.items;
        await expect.poll(parked, { timeout: 60_000 }).toEqual([]);
        for (const service of ['appointment', 'notification', 'patient', 'doctor']) {
          expect(await readiness(processes.get(service)?.url ?? '')).toBe('UP');
        }
      } finally {
        await Promise.all([...processes.values()].map((process) => process.end('SIGKILL')));
      }
    },
    DEADLINE_MILLIS,
  );

  it(
    'starts and books without the broker, logs that once without its password, and publishes when the broker is there',
    async () => {
      await using folder = await temporaryFolder();
      await broker.stop('in order');
      // The start waits for an unavailable broker, but not forever.
      const system = await startDaybook({ data: folder.path, environment, readyWithinMillis: 60_000 });
      const client = clientOf(system);
      const { patient, doctor, type } = await makeClinic(client);
      const body = { patientId: patient.id, doctorId: doctor.id, appointmentTypeId: type.id, start: halfHour(0) };
      const { id } = expectData(await client.POST('/api/v1/appointments', { body }));
      expect(await messagesOf(client, id)).toEqual([]);
      await broker.start();
      await expect.poll(() => messagesOf(client, id), { timeout: 60_000 }).toEqual(['booked']);
      const warnings = system
        .output()
        .split('\n')
        .filter((line) => line.includes('broker disconnected'));
      // Once for each connection: five services publish, four consume.
      expect(warnings).toHaveLength(9);
      expect(system.output()).not.toContain('guest:');
      await system.end();
    },
    DEADLINE_MILLIS,
  );
});
