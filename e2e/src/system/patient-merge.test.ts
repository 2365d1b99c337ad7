/** Merges and unmerges two records of one person, through every service. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type DaybookClient, expectData } from '@daybook/client';
import { type Clinic, clientOf, halfHour, makeClinic, registerPatient, temporaryFolder } from '@daybook/testing';
import { databaseKind } from '@daybook/testing/databases';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';

const DEADLINE = { timeout: 15_000 };

const stack = new AsyncDisposableStack();
let data: string;
let client: DaybookClient;
let clinic: Clinic;

beforeAll(async () => {
  data = stack.use(await temporaryFolder()).path;
  const system = await startEmbedded(data);
  stack.defer(() => system.close());
  client = clientOf(system);
  clinic = await makeClinic(client);
});
afterAll(() => stack.disposeAsync());

async function book(patientId: string, n: number): Promise<string> {
  const body = { patientId, doctorId: clinic.doctor.id, appointmentTypeId: clinic.type.id, start: halfHour(n) };
  return expectData(await client.POST('/api/v1/appointments', { body })).id;
}

const appointmentsOf = async (patientId: string) =>
  expectData(await client.GET('/api/v1/appointments', { params: { query: { patientId } } })).items.map(({ id }) => id);

const merge = async (id: string, into: string) =>
  expectData(
    await client.POST('/api/v1/patients/{id}/merge', { params: { path: { id } }, body: { into, reason: 'twice' } }),
  );
const unmerge = async (id: string) =>
  expectData(
    await client.POST('/api/v1/patients/{id}/unmerge', {
      params: { path: { id } },
      body: { reason: 'another person' },
    }),
  );

/** Returns the recipients of an appointment's messages, which no response contains. */
function recipientsOf(appointmentId: string): string[] {
  const database = new DatabaseSync(join(data, 'notification.sqlite'), { readOnly: true, timeout: 5_000 });
  const rows = database
    .prepare('select distinct lower(hex(patient_id)) as id from messages where appointment_id = unhex(?)')
    .all(appointmentId.replaceAll('-', ''));
  database.close();
  return rows.map(({ id }) => String(id));
}

it('a merge moves appointments and messages to the record that stays, and an unmerge returns them', async () => {
  const [stays, old] = [clinic.patient.id, (await registerPatient(client)).id];
  const [own, moved] = [await book(stays, 0), await book(old, 2)];
  expect(await merge(old, stays)).toMatchObject({ id: old, active: false, replacedBy: stays });
  await expect.poll(() => appointmentsOf(stays), DEADLINE).toEqual([own, moved]);
  expect(await appointmentsOf(old)).toEqual([]);
  if (databaseKind === 'sqlite') {
    await expect.poll(() => recipientsOf(moved), DEADLINE).toEqual([stays.replaceAll('-', '')]);
  }
  const refused = await client.POST('/api/v1/appointments', {
    body: { patientId: old, doctorId: clinic.doctor.id, appointmentTypeId: clinic.type.id, start: halfHour(4) },
  });
  expect(refused.error).toMatchObject({ status: 422, code: 'patient-inactive' });

  const since = await book(stays, 6);
  await unmerge(old);
  await expect.poll(() => appointmentsOf(old), DEADLINE).toEqual([moved]);
  expect(await appointmentsOf(stays)).toEqual([own, since]);
  if (databaseKind === 'sqlite') {
    await expect.poll(() => recipientsOf(moved), DEADLINE).toEqual([old.replaceAll('-', '')]);
  }
  const path = { id: moved };
  const { items } = expectData(await client.GET('/api/v1/appointments/{id}/history', { params: { path } }));
  expect(items.map(({ action }) => action)).toEqual(['booked', 'patient-merged', 'patient-unmerged']);
  await book(old, 8);
});

it('no booking stays with a record that is merged while many are made for it', async () => {
  const [stays, old] = [(await registerPatient(client)).id, (await registerPatient(client)).id];
  const bookings = Array.from({ length: 20 }, (_, n) => book(old, 20 + n).catch(() => undefined));
  await Promise.race(bookings);
  await merge(old, stays);
  const booked = (await Promise.all(bookings)).filter((id) => id !== undefined);
  await expect.poll(() => appointmentsOf(old), DEADLINE).toEqual([]);
  expect((await appointmentsOf(stays)).toSorted()).toEqual(booked.toSorted());
});

it('two desks that register the same person simultaneously make one record, and the other sees it', async () => {
  const body = { givenName: 'Zoë', familyName: 'Lindqvist', birthDate: '1988-08-08' };
  const responses = await Promise.all([1, 2].map(() => client.POST('/api/v1/patients', { body })));
  const made = responses.flatMap(({ data }) => (data ? [data.id] : []));
  expect(made).toHaveLength(1);
  const [refusal] = responses.flatMap(({ error }) => (error ? [error] : []));
  expect(refusal).toMatchObject({ code: 'possible-duplicate', candidates: [{ id: made[0], ...body }] });
});
