import { AppointmentTypePage } from '@daybook/contracts';
import { createParser } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { createAppointmentTypeStore } from '../store/appointment-types.ts';
import { startAppointments, UNKNOWN_ID } from '../testing.ts';

const readPage = createParser(AppointmentTypePage);
const everything = {
  name: 'Group therapy',
  durationMinutes: 90,
  bufferBeforeMinutes: 10,
  bufferAfterMinutes: 15,
  minimumNoticeMinutes: 61,
  planningHorizonDays: 730,
  cancellationDeadlineMinutes: 1440,
  capacity: 12,
  active: false,
};

async function startTypes() {
  const service = await startAppointments();
  const types = (method: 'GET' | 'POST' | 'PATCH', path: string, body?: object, headers?: Record<string, string>) =>
    service.call(method, `/appointment-types${path}`, body, headers);
  return { ...service, types };
}

describe('an appointment type', () => {
  it('keeps every rule as it was given', async () => {
    const { types } = await startTypes();
    const response = await types('POST', '', everything);
    expect(response).toMatchObject({ status: 201, headers: { etag: '"1"' }, body: { ...everything, version: 1 } });
    const id = String(response.headers.location).replace('/api/v1/appointment-types/', '');
    expect((await types('GET', `/${id}`)).body).toEqual(response.body);
    expect(await types('GET', `/${id}`, undefined, { 'if-none-match': '"1"' })).toMatchObject({ status: 304 });
  });

  it('has defaults for all but name and length', async () => {
    const { types } = await startTypes();
    expect((await types('POST', '', { name: 'Follow-up', durationMinutes: 30 })).body).toMatchObject({
      bufferBeforeMinutes: 0,
      bufferAfterMinutes: 0,
      minimumNoticeMinutes: 0,
      planningHorizonDays: 180,
      cancellationDeadlineMinutes: 0,
      capacity: 1,
      active: true,
    });
    expect(await types('POST', '', { name: 'Follow-up' })).toMatchObject({ status: 400 });
    expect(await types('POST', '', { durationMinutes: 30 })).toMatchObject({ status: 400 });
  });

  it.each([
    ['durationMinutes', [0, 4, 7, 30.5, 1445, '30']],
    ['bufferBeforeMinutes', [-5, 3, 245]],
    ['bufferAfterMinutes', [-5, 3, 245]],
    ['minimumNoticeMinutes', [-1, 0.5, 525_601]],
    ['planningHorizonDays', [0, 731]],
    ['cancellationDeadlineMinutes', [-1, 525_601]],
    ['capacity', [0, 101, 1.5]],
    ['name', ['', ' ', 'a'.repeat(101), 'a\nb']],
    ['active', ['yes', null]],
    ['colour', ['red']],
  ])('is refused with an invalid %s, new and changed', async (field, values) => {
    const { types, addType } = await startTypes();
    const { id } = await addType();
    for (const value of values) {
      const fault = expect.objectContaining({ pointer: `/${field}` });
      const refused = { status: 400, body: { code: 'invalid-request', errors: expect.arrayContaining([fault]) } };
      const input = { name: 'Follow-up', durationMinutes: 30, [field]: value };
      expect(await types('POST', '', input)).toMatchObject(refused);
      expect(await types('PATCH', `/${id}`, { [field]: value })).toMatchObject(refused);
    }
  });

  it('is refused with a name that is taken, new and changed', async () => {
    const { types, addType } = await startTypes();
    const [first, second] = [await addType({ name: 'Follow-up' }), await addType({ name: 'Check-up' })];
    const taken = { status: 409, body: { code: 'name-taken' } };
    expect(await types('POST', '', { name: 'Follow-up', durationMinutes: 15 })).toMatchObject(taken);
    expect(await types('PATCH', `/${second.id}`, { name: 'Follow-up', capacity: 9 })).toMatchObject(taken);
    expect((await types('GET', `/${second.id}`)).body).toEqual(second);
    expect(await types('PATCH', `/${first.id}`, { name: 'Follow-up' })).toMatchObject({ status: 200 });
  });

  it('is added once by many simultaneous requests with the same name', async () => {
    const { types } = await startTypes();
    const responses = await Promise.all(Array.from({ length: 8 }, () => types('POST', '', everything)));
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(409)]);
  });

  it('is added once when it is sent again with its Idempotency-Key', async () => {
    const { types } = await startTypes();
    const headers = { 'idempotency-key': 'k1' };
    const first = await types('POST', '', everything, headers);
    const again = await types('POST', '', everything, headers);
    expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
  });

  it('changes in what is named; a stale change is refused', async () => {
    const { types, addType, time } = await startTypes();
    const before = await addType();
    time.now = time.now.add({ hours: 1 });
    const { body } = await types('PATCH', `/${before.id}`, { durationMinutes: 45 }, { 'if-match': '"1"' });
    expect(body).toEqual({ ...before, durationMinutes: 45, version: 2, updatedAt: '2026-11-02T09:00:00.000Z' });
    const stale = await types('PATCH', `/${before.id}`, { durationMinutes: 50 }, { 'if-match': '"1"' });
    expect(stale).toMatchObject({ status: 412, body: { code: 'precondition-failed' } });
    expect((await types('GET', `/${before.id}`)).body).toEqual(body);
  });

  it('that changes leaves what is booked as it is', async () => {
    const { types, addType, addDoctor, addPatient, book, read, reservations } = await startTypes();
    const { id } = await addType();
    const bookingRequest = {
      patientId: addPatient(),
      doctorId: addDoctor().id,
      appointmentTypeId: id,
      start: '2026-11-03T16:00:00.000Z',
    };
    const booked = await book(bookingRequest);
    const before = await reservations();
    await types('PATCH', `/${id}`, { durationMinutes: 60, bufferAfterMinutes: 30 });
    expect(await read(booked.id)).toEqual(booked);
    expect(await reservations()).toEqual(before);
  });

  it('that is not there is not found', async () => {
    const { types } = await startTypes();
    for (const id of [UNKNOWN_ID, 'x']) {
      expect(await types('GET', `/${id}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
      expect(await types('PATCH', `/${id}`, {})).toMatchObject({ status: 404 });
    }
  });

  it('may be read by a patient, and not be changed', async () => {
    const { addType, database, clock } = await startTypes();
    const before = await addType();
    const store = createAppointmentTypeStore(database, clock);
    const patient = { id: 'ana', role: 'patient', patientIds: [] } as const;
    expect(await store.find(patient, before.id)).toEqual(before);
    await expect(
      store.change(patient, before.id, {}, { storeResponse: async () => undefined, checkVersion: () => undefined }),
    ).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});

it('the list of appointment types has every type once', async () => {
  const { types, addType } = await startTypes();
  const ids = new Set<string>();
  for (let count = 0; count < 5; count += 1) ids.add((await addType()).id);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const { body } = await types('GET', `?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    const page = readPage(body);
    seen.push(...page.items.map(({ id }: { id: string }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(seen).toHaveLength(5);
  expect(new Set(seen)).toEqual(ids);
});
