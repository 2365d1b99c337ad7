import { describe, expect, it } from 'vitest';
import { createScheduleStore } from '../store/schedules.ts';
import { hours, NOBODY, noor, startDoctors } from '../testing.ts';

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
    const answer = await call('PUT', `/${id}/schedule`, schedule);
    expect(answer).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect(answer.body).toEqual(schedule);
    expect((await call('GET', `/${id}/schedule`)).body).toEqual(schedule);
  });

  it('are not sent again to who knows this version', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    await call('PUT', `/${id}/schedule`, mondays);
    const known = { 'if-none-match': '"1"' };
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
      headers: { etag: '"1"' },
    });
  });

  it('are not replaced by who read an older version', async () => {
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

  it('are replaced by one of two who read the same version', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    const answers = await Promise.all(
      [mondays, tuesdays].map((schedule) => call('PUT', `/${id}/schedule`, schedule, { 'if-match': '"-1"' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
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
    ['a day that is none', { timeZone: 'UTC', weeklyHours: [{ day: 'Monday', start: '09:00', end: '10:00' }] }],
    ['a start of 24:00', { timeZone: 'UTC', weeklyHours: [{ day: 'monday', start: '24:00', end: '24:00' }] }],
    ['a time without minutes', { timeZone: 'UTC', weeklyHours: [{ day: 'monday', start: '9', end: '10:00' }] }],
    ['an end after the day', { timeZone: 'UTC', weeklyHours: [{ day: 'monday', start: '09:00', end: '24:01' }] }],
    ['a zone that is none', { timeZone: 'Mars/Olympus', weeklyHours: [] }],
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
    expect(await call('GET', `/${NOBODY}/schedule`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await call('PUT', `/${NOBODY}/schedule`, mondays)).toMatchObject({ status: 404 });
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
    expect(await read(id)).toMatchObject({ version: 2, updatedAt: '2026-03-02T10:00:00Z' });
  });

  it('are not changed by patients', async () => {
    const { database, time, register } = await startDoctors();
    const { id } = await register();
    const store = createScheduleStore(database, () => time.now);
    const patient = { id: 'somebody', role: 'patient' } as const;
    expect(await store.find(patient, id)).toMatchObject({ schedule: { weeklyHours: [] } });
    await expect(
      store.replace(patient, id, mondays, { keep: async () => undefined, checkVersion: () => undefined }),
    ).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});

describe('the availability of a doctor', () => {
  it('is the open intervals as instants', async () => {
    const { call, registerWith } = await startDoctors();
    const { id } = await registerWith({
      timeZone: 'America/New_York',
      weeklyHours: [hours('sunday', '01:00', '04:00')],
    });
    const answer = await call('GET', `/${id}/availability?from=2026-03-07T00:00:00Z&to=2026-03-16T00:00:00Z`);
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      doctorId: id,
      timeZone: 'America/New_York',
      active: true,
      items: [
        { start: '2026-03-08T06:00:00Z', end: '2026-03-08T08:00:00Z' },
        { start: '2026-03-15T05:00:00Z', end: '2026-03-15T08:00:00Z' },
      ],
    });
  });

  it("is of the zone of the hours, not of the doctor's", async () => {
    const { call, open, register } = await startDoctors();
    const { id } = await register();
    await call('PUT', `/${id}/schedule`, { timeZone: 'Asia/Tokyo', weeklyHours: mondays.weeklyHours });
    expect(await open(id, '2026-03-01T00:00:00Z', '2026-03-03T00:00:00Z')).toEqual([
      '2026-03-02T00:00:00Z/2026-03-02T03:00:00Z',
    ]);
  });

  it('takes instants with offsets', async () => {
    const { open, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    expect(await open(id, '2026-03-02T12:00:00+02:00', '2026-03-02T06:00:00-05:00')).toEqual([
      '2026-03-02T10:00:00Z/2026-03-02T11:00:00Z',
    ]);
  });

  it('says that a doctor takes no new appointments', async () => {
    const { call, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    await call('PATCH', `/${id}`, { active: false });
    const range = 'from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z';
    expect((await call('GET', `/${id}/availability?${range}`)).body).toMatchObject({ active: false });
  });

  it('is empty for an empty range and for a doctor without hours', async () => {
    const { open, register, registerWith } = await startDoctors();
    const [working, idle] = [await registerWith(mondays), await register()];
    expect(await open(working.id, '2026-03-02T10:00:00Z', '2026-03-02T10:00:00Z')).toEqual([]);
    expect(await open(idle.id, '2026-03-02T00:00:00Z', '2026-03-09T00:00:00Z')).toEqual([]);
  });

  it('is given for 62 days, and for no longer', async () => {
    const { call, open, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    expect(await open(id, '2026-03-02T00:00:00Z', '2026-05-03T00:00:00Z')).toHaveLength(9);
    const path = `/${id}/availability?from=2026-03-02T00:00:00Z`;
    expect(await call('GET', `${path}&to=2026-05-03T00:00:00.001Z`)).toMatchObject({
      status: 422,
      body: { code: 'range-too-long' },
    });
  });

  it('is refused for a range that ends before it starts, or is none', async () => {
    const { call, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    expect(await call('GET', `/${id}/availability?from=2026-03-02T00:00:00Z&to=2026-03-01T23:59:59Z`)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ pointer: '/to' }] },
    });
    for (const query of [
      'from=2026-03-02T00:00:00Z',
      'from=2026-03-02T00:00:00&to=2026-03-03T00:00:00',
      'from=2026-03-02&to=2026-03-03',
      'from=2026-02-30T00:00:00Z&to=2026-03-03T00:00:00Z',
    ]) {
      expect(await call('GET', `/${id}/availability?${query}`)).toMatchObject({ status: 400 });
    }
  });

  it('is of a doctor who is there', async () => {
    const { call } = await startDoctors();
    const range = 'from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z';
    expect(await call('GET', `/${NOBODY}/availability?${range}`)).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });

  it('answers at the ends of the calendar', async () => {
    const { open, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    expect(await open(id, '9999-12-01T00:00:00Z', '9999-12-31T23:59:59Z')).not.toEqual([]);
    expect(await open(id, '0001-01-01T00:00:00Z', '0001-01-31T00:00:00Z')).not.toEqual([]);
  });
});
