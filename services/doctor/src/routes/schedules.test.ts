import { describe, expect, it } from 'vitest';
import { createScheduleStore } from '../store/schedules.ts';
import { hours, noor, startDoctors, UNKNOWN_ID } from '../testing.ts';

const mondays = { timeZone: 'Europe/Lisbon', weeklyHours: [hours('monday', '09:00', '12:00')] };
const tuesdays = { timeZone: 'Europe/Lisbon', weeklyHours: [hours('tuesday', '09:00', '12:00')] };

describe('the hours of a doctor', () => {
  it("are none at first, in the doctor's zone", async () => {
    const { call, register } = await startDoctors();
    const { id, timeZone } = await register();
    expect(await call('GET', `/${id}/schedule`)).toMatchObject({
      status: 200,
      headers: { etag: '"-1"' },
      body: { timeZone, weeklyHours: [] },
    });
  });

  it('are replaced whole and kept as they were given', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    const weekly = [
      hours('friday', '22:00', '24:00'),
      hours('monday', '13:00', '17:00'),
      hours('monday', '09:00', '12:00'),
    ];
    await call('PUT', `/${id}/schedule`, mondays);
    const schedule = { timeZone: 'Asia/Tokyo', weeklyHours: weekly };
    const response = await call('PUT', `/${id}/schedule`, schedule);
    expect(response).toMatchObject({ status: 200, headers: { etag: '"3"' } });
    expect(response.body).toEqual(schedule);
    expect((await call('GET', `/${id}/schedule`)).body).toEqual(schedule);
  });

  it.each(['europe/lisbon', 'EUROPE/LISBON', 'Europe/Lisbon'])(
    'of the zone %s are kept with its IANA name',
    async (timeZone) => {
      const { call, register, read } = await startDoctors();
      const { id } = await register({ ...noor, timeZone });
      expect(await read(id)).toMatchObject({ timeZone: 'Europe/Lisbon' });
      const { body } = await call('PUT', `/${id}/schedule`, { ...mondays, timeZone });
      expect(body).toEqual(mondays);
      await call('PATCH', `/${id}`, { timeZone: 'america/port-au-prince' });
      expect(await read(id)).toMatchObject({ timeZone: 'America/Port-au-Prince' });
    },
  );

  it('are not sent again for the ETag of this version', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    await call('PUT', `/${id}/schedule`, mondays);
    const known = { 'if-none-match': '"2"' };
    expect(await call('GET', `/${id}/schedule`, undefined, known)).toMatchObject({ status: 304, body: undefined });
    await call('PUT', `/${id}/schedule`, tuesdays);
    expect(await call('GET', `/${id}/schedule`, undefined, known)).toMatchObject({ status: 200, body: tuesdays });
  });

  it('that were never set have another ETag once the zone of the doctor is another', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    const path = `/${id}/schedule`;
    const known = { 'if-none-match': '"-1"' };
    expect(await call('GET', path, undefined, known)).toMatchObject({ status: 304 });
    await call('PATCH', `/${id}`, { timeZone: 'Asia/Tokyo' });
    expect(await call('GET', path, undefined, known)).toMatchObject({
      status: 200,
      headers: { etag: '"-2"' },
      body: { timeZone: 'Asia/Tokyo' },
    });
    expect(await call('PUT', path, mondays, { 'if-match': '"-1"' })).toMatchObject({ status: 412 });
    expect(await call('PUT', path, mondays, { 'if-match': '"-2"' })).toMatchObject({
      status: 200,
      headers: { etag: '"3"' },
    });
  });

  it('are not replaced with the ETag of an older version', async () => {
    const { call, register, outbox } = await startDoctors();
    const { id } = await register();
    const path = `/${id}/schedule`;
    expect(await call('PUT', path, mondays, { 'if-match': '"-1"' })).toMatchObject({ status: 200 });
    expect(await call('PUT', path, tuesdays, { 'if-match': '"-1"' })).toMatchObject({
      status: 412,
      body: { code: 'precondition-failed' },
    });
    expect((await call('GET', path)).body).toEqual(mondays);
    expect(await outbox()).toHaveLength(2);
  });

  it('are replaced by one of two requests with the same ETag', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    const responses = await Promise.all(
      [mondays, tuesdays].map((schedule) => call('PUT', `/${id}/schedule`, schedule, { 'if-match': '"-1"' })),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it.each([
    ['overlap', [hours('monday', '09:00', '12:00'), hours('monday', '11:00', '13:00')]],
    ['are there twice', [hours('monday', '09:00', '12:00'), hours('monday', '09:00', '12:00')]],
    ['end before they start', [hours('monday', '12:00', '09:00')]],
    ['are empty', [hours('monday', '12:00', '12:00')]],
  ])('are refused when they %s, and stay as they were', async (_what, weeklyHours) => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    await call('PUT', `/${id}/schedule`, mondays);
    expect(await call('PUT', `/${id}/schedule`, { timeZone: 'UTC', weeklyHours })).toMatchObject({
      status: 422,
      body: { code: 'overlapping-hours' },
    });
    expect((await call('GET', `/${id}/schedule`)).body).toEqual(mondays);
  });

  it.each([
    ['a day that does not exist', { timeZone: 'UTC', weeklyHours: [{ day: 'Monday', start: '09:00', end: '10:00' }] }],
    ['a start of 24:00', { timeZone: 'UTC', weeklyHours: [{ day: 'monday', start: '24:00', end: '24:00' }] }],
    ['a time without minutes', { timeZone: 'UTC', weeklyHours: [{ day: 'monday', start: '9', end: '10:00' }] }],
    ['an end after the day', { timeZone: 'UTC', weeklyHours: [{ day: 'monday', start: '09:00', end: '24:01' }] }],
    ['a zone that does not exist', { timeZone: 'Mars/Olympus', weeklyHours: [] }],
    ['an offset for a zone', { timeZone: '+01:00', weeklyHours: [] }],
    ['no zone', { weeklyHours: [] }],
    ['an unknown field', { timeZone: 'UTC', weeklyHours: [], version: 1 }],
  ])('are refused with %s', async (_what, schedule) => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    expect(await call('PUT', `/${id}/schedule`, schedule)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    });
  });

  it('are of a doctor who is there', async () => {
    const { call } = await startDoctors();
    expect(await call('GET', `/${UNKNOWN_ID}/schedule`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await call('PUT', `/${UNKNOWN_ID}/schedule`, mondays)).toMatchObject({ status: 404 });
  });

  it('take no query parameters', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    const refused = { status: 400, body: { code: 'invalid-request', errors: [{ pointer: '/x' }] } };
    for (const path of [`/${id}`, `/${id}/schedule`]) {
      expect(await call('GET', `${path}?x=1`)).toMatchObject(refused);
    }
    expect(await call('PUT', `/${id}/schedule?x=1`, mondays)).toMatchObject(refused);
    expect(await call('PATCH', `/${id}?x=1`, { active: false })).toMatchObject(refused);
    expect(await call('POST', '?x=1', noor)).toMatchObject(refused);
  });

  it('change the version of the doctor', async () => {
    const { call, register, read, time } = await startDoctors();
    const { id } = await register();
    time.now = time.now.add({ hours: 1 });
    await call('PUT', `/${id}/schedule`, mondays);
    expect(await read(id)).toMatchObject({ version: 2, updatedAt: '2026-03-02T10:00:00.000Z' });
  });

  it('are neither read nor changed by patients', async () => {
    const { database, time, register } = await startDoctors();
    const { id } = await register();
    const store = createScheduleStore(database, () => time.now);
    const patient = { id: 'somebody', role: 'patient', patientIds: [] } as const;
    await expect(store.find(patient, id)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(
      store.replace(patient, id, mondays, { storeResponse: async () => undefined, checkVersion: () => undefined }),
    ).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});
