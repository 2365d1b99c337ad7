/** An event that cannot be handled is parked, listed at the gateway, and resent after its cause is fixed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type DaybookClient, expectData } from '@daybook/client';
import type { System } from '@daybook/launcher';
import { type Clinic, clientOf, halfHour, makeClinic, temporaryFolder } from '@daybook/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';
import { readAsyncApi } from './asyncapi-schema.ts';

const LIST = '/api/v1/admin/parked-events';
const RESEND = '/api/v1/admin/parked-events/{consumer}/{eventId}/resend';

const stack = new AsyncDisposableStack();
let data: string;
let system: System;
let client: DaybookClient;
let clinic: Clinic;

beforeAll(async () => {
  data = stack.use(await temporaryFolder()).path;
  system = await startEmbedded(data);
  stack.defer(() => system.close());
  client = clientOf(system);
  clinic = await makeClinic(client);
});
afterAll(() => stack.disposeAsync());

/** Changes the notification service's database, as an operator could. */
function inDatabase(statement: string): void {
  const database = new DatabaseSync(join(data, 'notification.sqlite'), { timeout: 5_000 });
  database.exec(statement);
  database.close();
}
const breakMessages = () =>
  inDatabase("create trigger no_messages before insert on messages begin select raise(abort, 'broken'); end");
const mendMessages = () => inDatabase('drop trigger no_messages');

const listed = async () => expectData(await client.GET(LIST)).items;

async function book(n: number): Promise<string> {
  const { patient, doctor, type } = clinic;
  const body = { patientId: patient.id, doctorId: doctor.id, appointmentTypeId: type.id, start: halfHour(n) };
  return expectData(await client.POST('/api/v1/appointments', { body })).id;
}

async function messagesOf(appointmentId: string): Promise<string[]> {
  const response = await client.GET('/api/v1/notifications', { params: { query: { appointmentId } } });
  return expectData(response).items.map(({ kind }) => kind);
}

it('parks an event that cannot be handled, shows it, and has its effect once when it is sent again', async () => {
  breakMessages();
  const id = await book(0);
  await expect.poll(listed, { timeout: 10_000 }).toHaveLength(1);
  const [parked] = await listed();
  expect(parked).toMatchObject({
    consumer: 'notification.messages',
    type: 'daybook.appointment.booked.v1',
    subject: id,
    source: '/services/appointment',
    reason: 'Error',
  });
  if (!parked) throw new Error('nothing is parked');
  const { consumer, eventId } = parked;
  const resend = () => client.POST(RESEND, { params: { path: { consumer, eventId } } });

  const refused = await resend();
  expect([refused.response.status, refused.error?.code]).toEqual([409, 'still-parked']);
  expect(await messagesOf(id)).toEqual([]);

  mendMessages();
  const next = await book(2);
  await expect.poll(() => messagesOf(next), { timeout: 10_000 }).toEqual(['booked']);
  expect(await listed()).toHaveLength(1);

  const responses = await Promise.all([resend(), resend(), resend()]);
  expect(responses.map(({ response }) => response.status).toSorted()).toEqual([200, 404, 404]);
  expect(await listed()).toEqual([]);
  expect(await messagesOf(id)).toEqual(['booked']);
});

it('returns no list while a service that has part of it is away, and names that service', async () => {
  await system.stop('notification');
  const refused = await client.GET(LIST);
  expect(refused.response.status).toBe(503);
  expect(refused.error).toMatchObject({
    code: 'service-unavailable',
    detail: 'The notification service is not available.',
  });
  await system.restart('notification');
  await expect.poll(async () => (await client.GET(LIST)).response.status, { timeout: 10_000 }).toBe(200);
});

it('can have the parked events of every consumer sent again at the gateway', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/asyncapi.json'), 'utf8');
  const operations = Object.values(readAsyncApi(JSON.parse(text)).document?.operations ?? {});
  const consumers = new Set(operations.flatMap((operation) => operation['x-consumer'] ?? []));
  expect(consumers).toContain('notification.messages');
  for (const consumer of consumers) {
    const path = { consumer, eventId: '01900000-0000-7000-8000-000000000000' };
    const { error } = await client.POST(RESEND, { params: { path } });
    expect(error?.detail, consumer).toBe('There is no parked event with this id.');
  }
});
