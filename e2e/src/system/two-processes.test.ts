/** A second process of one service joins through the data folder, and both share the work. */
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import {
  clientOf,
  type DaybookProcess,
  halfHour,
  makeClinic,
  registerPatient,
  temporaryFolder,
} from '@daybook/testing';
import { startDaybookOnDatabase as startDaybook } from '@daybook/testing/system-database';
import { expect, it } from 'vitest';

/** Returns how many reads of a resource this process has handled. */
async function countResponses(service: DaybookProcess, route: string): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`, { signal: AbortSignal.timeout(5000) })).text();
  const counter = `http_server_request_duration_seconds_count{method="GET",route="${route}",status="200"} `;
  return Number(
    metrics
      .split('\n')
      .find((line) => line.startsWith(counter))
      ?.slice(counter.length) ?? 0,
  );
}

it('shares the work between two processes of one service, and never books a time twice', async () => {
  await using folder = await temporaryFolder();
  const system = await startDaybook({ data: folder.path });
  const client = clientOf(system);
  const clinic = await makeClinic(client);
  const body = { doctorId: clinic.doctor.id, appointmentTypeId: clinic.type.id };
  const second = await startDaybook({ data: folder.path, service: 'appointment' });
  const first = expectData(
    await client.POST('/api/v1/appointments', { body: { ...body, patientId: clinic.patient.id, start: halfHour(0) } }),
  );

  const path = { id: first.id };
  const read = async () => (await client.GET('/api/v1/appointments/{id}', { params: { path } })).response.status;
  await expect
    .poll(
      async () => {
        await Promise.all(Array.from({ length: 20 }, read));
        return countResponses(second, '/api/v1/appointments/:id');
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(0);

  const patients = await Promise.all(Array.from({ length: 16 }, () => registerPatient(client)));
  const statuses = await Promise.all(
    patients.map(async ({ id }) => {
      const bookingFields = { ...body, patientId: id, start: halfHour(4) };
      return (await client.POST('/api/v1/appointments', { body: bookingFields })).response.status;
    }),
  );
  expect(statuses.toSorted()).toEqual([201, ...Array<number>(15).fill(409)]);

  // Written by either process, delivered by the one with the consumers.
  const items = expectData(
    await client.GET('/api/v1/appointments', { params: { query: { doctorId: clinic.doctor.id } } }),
  ).items;
  for (const { id } of items) {
    const messages = async () =>
      (await client.GET('/api/v1/notifications', { params: { query: { appointmentId: id } } })).data?.items.length;
    await expect.poll(messages, { timeout: 20_000 }).toBe(1);
  }

  const ended = await second.end();
  expect(ended).toEqual({ code: 0, signal: null });
  expect(await Promise.all(Array.from({ length: 20 }, read))).toEqual(Array(20).fill(200));
  await system.end();
});

/** More than a patient may have. */
const BOOKINGS = 6;
const HOLDS = 5;
/** Each with another patient, because a race may go well once. */
const ROUNDS = 4;

const codeOf = ({ response, error }: { response: Response; error?: { code: string } }) =>
  error?.code ?? response.status;

it('keeps the limits of a patient whose requests arrive at two processes simultaneously', {
  timeout: 120_000,
}, async () => {
  await using folder = await temporaryFolder();
  const system = await startDaybook({ data: folder.path });
  const { doctor, type } = await makeClinic(clientOf(system));
  const slot = { doctorId: doctor.id, appointmentTypeId: type.id };
  const second = await startDaybook({ data: folder.path, service: 'appointment' });
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id: patientId } = await registerPatient(clientOf(system));
    const token = await system.tokenFor({ role: 'patient', id: patientId });
    const [first, other] = [system, second].map(({ url: baseUrl }) => createClient({ baseUrl, token }));
    const clients = (count: number) => Array.from({ length: count }, (_, n) => (n % 2 === 0 ? first : other));
    const start = (n: number) => halfHour(round * (BOOKINGS + HOLDS) + n);

    const book = (client: DaybookClient | undefined, n: number) =>
      client?.POST('/api/v1/appointments', { body: { ...slot, patientId, start: start(n) } });
    const booked = await Promise.all(clients(BOOKINGS).map(book));
    const outcomes = booked.map((result) => result && codeOf(result));
    expect(outcomes.toSorted()).toEqual([...Array<number>(5).fill(201), 'too-many-appointments']);

    const hold = (client: DaybookClient | undefined, n: number) =>
      client?.POST('/api/v1/holds', { body: { ...slot, start: start(BOOKINGS + n) } });
    const held = await Promise.all(clients(HOLDS).map(hold));
    const ofHolds = held.map((result) => result && codeOf(result));
    expect(ofHolds.toSorted()).toEqual([201, 201, 201, 'too-many-holds', 'too-many-holds']);
    for (const result of held) {
      const id = result?.data?.id;
      if (id !== undefined)
        expect(await first?.DELETE('/api/v1/holds/{id}', { params: { path: { id } } })).toBeTruthy();
    }
  }
  await second.end();
  await system.end();
});

it('fails no read when one of two processes is killed', async () => {
  await using folder = await temporaryFolder();
  const system = await startDaybook({ data: folder.path });
  const client = clientOf(system);
  const clinic = await makeClinic(client);
  const second = await startDaybook({ data: folder.path, service: 'patient' });
  const path = { id: clinic.patient.id };
  const read = async () => (await client.GET('/api/v1/patients/{id}', { params: { path } })).response.status;
  await Promise.all(Array.from({ length: 10 }, read));
  const killed = second.end('SIGKILL');
  const statuses: number[] = [];
  for (let round = 0; round < 20; round += 1) statuses.push(...(await Promise.all(Array.from({ length: 10 }, read))));
  await killed;
  expect(new Set(statuses)).toEqual(new Set([200]));
  await system.end();
});

it('goes on with a process that joined, when the system that it joined starts again', async () => {
  await using folder = await temporaryFolder();
  const first = await startDaybook({ data: folder.path });
  const clinic = await makeClinic(clientOf(first));
  const joined = await startDaybook({ data: folder.path, service: 'patient' });
  await first.end();
  // At the same address, which is in the tokens that the joined process accepts.
  const environment = { DAYBOOK_PORT: new URL(first.url).port };
  const second = await startDaybook({ data: folder.path, environment });
  const client = clientOf(second);
  const path = { id: clinic.patient.id };
  const reads = async () => {
    await Promise.all(Array.from({ length: 10 }, () => client.GET('/api/v1/patients/{id}', { params: { path } })));
    return countResponses(joined, '/api/v1/patients/:id');
  };
  await expect.poll(reads, { timeout: 25_000 }).toBeGreaterThan(0);
  await joined.end();
  await second.end();
});
