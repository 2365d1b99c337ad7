/** Each service is replaced while another process of it runs, and no client receives an error. */
import { clientOf, type DaybookProcess, halfHour, makeClinic, startDaybook, temporaryFolder } from '@daybook/testing';
import { expect, it } from 'vitest';
import { startTraffic, type TrafficCall } from '../support/steady-traffic.ts';

const SERVICES = ['identity', 'patient', 'doctor', 'appointment', 'notification', 'gateway'] as const;

it('fails no request while every service is replaced', async () => {
  await using folder = await temporaryFolder();
  const data = folder.path;
  const registry = await startDaybook({ data, service: 'registry', environment: { DAYBOOK_SERVICE_PORT: '0' } });
  const started = await Promise.all(SERVICES.map((service) => startDaybook({ data, service })));
  const running = new Map<string, DaybookProcess>(SERVICES.map((service, index) => [service, must(started[index])]));
  let client = clientOf(must(running.get('gateway')));

  const isReady = async () => (await client.GET('/api/v1/appointments', { params: { query: {} } })).response.status;
  await expect.poll(isReady, { timeout: 20_000 }).toBe(200);
  const { doctor, patient, type } = await makeClinic(client);
  const bookingFields = { doctorId: doctor.id, patientId: patient.id, appointmentTypeId: type.id };
  /** Without a key, so each has one attempt that must succeed. */
  let booked = 0;
  const book: TrafficCall = async () => {
    booked += 1;
    const { response } = await client.POST('/api/v1/appointments', {
      body: { ...bookingFields, start: halfHour(booked) },
    });
    return response.status === 201 ? undefined : `booking: ${response.status}`;
  };
  const read =
    (path: () => Promise<{ response: Response }>): TrafficCall =>
    async (n) => {
      const { response } = await path();
      return response.status === 200 ? undefined : `read ${n % 4}: ${response.status}`;
    };
  const query = { appointmentId: patient.id };
  const traffic = startTraffic([
    book,
    read(() => client.GET('/api/v1/patients/{id}', { params: { path: { id: patient.id } } })),
    read(() => client.GET('/api/v1/doctors/{id}', { params: { path: { id: doctor.id } } })),
    read(() => client.GET('/api/v1/notifications', { params: { query } })),
  ]);

  for (const service of SERVICES) {
    const next = await startDaybook({ data, service });
    // Switches gateways as a load balancer does.
    if (service === 'gateway') client = clientOf(next);
    await traffic.more(20);
    expect(await must(running.get(service)).end('SIGTERM')).toEqual({ code: 0, signal: null });
    running.set(service, next);
    await traffic.more(20);
  }
  expect(await traffic.stop()).toEqual([]);
  await Promise.all([...running.values()].map((process) => process.end()));
  await registry.end();
}, 120_000);

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('a process is missing');
  return value;
}
