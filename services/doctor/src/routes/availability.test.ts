import { type Availability, AvailabilityPage, type NewDoctor, type Schedule } from '@daybook/contracts';
import { createParser } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { extra, hours, noor, off, startDoctors, UNKNOWN_ID } from '../testing.ts';

const readPage = createParser(AvailabilityPage);
const mondays = { timeZone: 'Europe/Lisbon', weeklyHours: [hours('monday', '09:00', '12:00')] };

describe('the availability of a doctor', () => {
  it('is the open intervals as instants', async () => {
    const { call, registerWith } = await startDoctors();
    const { id } = await registerWith({
      timeZone: 'America/New_York',
      weeklyHours: [hours('sunday', '01:00', '04:00')],
    });
    const response = await call('GET', `/${id}/availability?from=2026-03-07T00:00:00.000Z&to=2026-03-16T00:00:00.000Z`);
    expect(response).toMatchObject({ status: 200 });
    expect(response.body).toEqual({
      doctorId: id,
      version: 2,
      timeZone: 'America/New_York',
      active: true,
      items: [
        { start: '2026-03-08T06:00:00.000Z', end: '2026-03-08T08:00:00.000Z' },
        { start: '2026-03-15T05:00:00.000Z', end: '2026-03-15T08:00:00.000Z' },
      ],
    });
  });

  it("is of the zone of the hours, not of the doctor's", async () => {
    const { call, open, register } = await startDoctors();
    const { id } = await register();
    await call('PUT', `/${id}/schedule`, { timeZone: 'Asia/Tokyo', weeklyHours: mondays.weeklyHours });
    expect(await open(id, '2026-03-01T00:00:00.000Z', '2026-03-03T00:00:00.000Z')).toEqual([
      '2026-03-02T00:00:00.000Z/2026-03-02T03:00:00.000Z',
    ]);
  });

  it('shows where the doctor works in another zone later in the range', async () => {
    const { call, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    const moved = { timeZone: 'Asia/Tokyo', weeklyHours: mondays.weeklyHours, validFrom: '2026-03-05' };
    expect(await call('PUT', `/${id}/schedule`, moved)).toMatchObject({ status: 200 });
    const response = await call('GET', `/${id}/availability?from=2026-03-01T00:00:00.000Z&to=2026-03-10T00:00:00.000Z`);
    expect(response.body).toMatchObject({
      timeZone: 'Europe/Lisbon',
      items: [
        { start: '2026-03-02T09:00:00.000Z', end: '2026-03-02T12:00:00.000Z' },
        { start: '2026-03-09T00:00:00.000Z', end: '2026-03-09T03:00:00.000Z', timeZone: 'Asia/Tokyo' },
      ],
    });
  });

  it('takes instants with offsets', async () => {
    const { open, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    expect(await open(id, '2026-03-02T12:00:00+02:00', '2026-03-02T06:00:00-05:00')).toEqual([
      '2026-03-02T10:00:00.000Z/2026-03-02T11:00:00.000Z',
    ]);
  });

  it("is of the instants of the patient's day, which is part of two days of the doctor", async () => {
    const { open, registerWith } = await startDoctors();
    const { id } = await registerWith({
      timeZone: 'America/New_York',
      weeklyHours: [hours('sunday', '09:00', '11:00'), hours('monday', '09:00', '11:00')],
    });
    // Monday in Tokyo lasts in New York from Sunday 10:00 to Monday 10:00.
    expect(await open(id, '2026-03-02T00:00:00+09:00', '2026-03-03T00:00:00+09:00')).toEqual([
      '2026-03-01T15:00:00.000Z/2026-03-01T16:00:00.000Z',
      '2026-03-02T14:00:00.000Z/2026-03-02T15:00:00.000Z',
    ]);
  });

  it('shows that a doctor takes no new appointments', async () => {
    const { call, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    await call('PATCH', `/${id}`, { active: false });
    const range = 'from=2026-03-02T00:00:00.000Z&to=2026-03-03T00:00:00.000Z';
    expect((await call('GET', `/${id}/availability?${range}`)).body).toMatchObject({ active: false });
  });

  it('is empty for an empty range and for a doctor without hours', async () => {
    const { open, register, registerWith } = await startDoctors();
    const [working, idle] = [await registerWith(mondays), await register()];
    expect(await open(working.id, '2026-03-02T10:00:00.000Z', '2026-03-02T10:00:00.000Z')).toEqual([]);
    expect(await open(idle.id, '2026-03-02T00:00:00.000Z', '2026-03-09T00:00:00.000Z')).toEqual([]);
  });

  it('is given for 62 days, and for no longer', async () => {
    const { call, open, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    expect(await open(id, '2026-03-02T00:00:00.000Z', '2026-05-03T00:00:00.000Z')).toHaveLength(9);
    const path = `/${id}/availability?from=2026-03-02T00:00:00.000Z`;
    expect(await call('GET', `${path}&to=2026-05-03T00:00:00.001Z`)).toMatchObject({
      status: 422,
      body: { code: 'range-too-long' },
    });
  });

  it('is refused for a range that ends before it starts, or is invalid', async () => {
    const { call, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    expect(
      await call('GET', `/${id}/availability?from=2026-03-02T00:00:00.000Z&to=2026-03-01T23:59:59.000Z`),
    ).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ pointer: '/to' }] },
    });
    for (const query of [
      'from=2026-03-02T00:00:00.000Z',
      'from=2026-03-02T00:00:00&to=2026-03-03T00:00:00',
      'from=2026-03-02&to=2026-03-03',
      'from=2026-02-30T00:00:00.000Z&to=2026-03-03T00:00:00.000Z',
    ]) {
      expect(await call('GET', `/${id}/availability?${query}`)).toMatchObject({ status: 400 });
    }
  });

  it('is of a doctor who is there', async () => {
    const { call } = await startDoctors();
    const range = 'from=2026-03-02T00:00:00.000Z&to=2026-03-03T00:00:00.000Z';
    expect(await call('GET', `/${UNKNOWN_ID}/availability?${range}`)).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });

  it('works at the ends of the calendar', async () => {
    const { open, registerWith } = await startDoctors();
    const { id } = await registerWith(mondays);
    expect(await open(id, '9999-12-01T00:00:00.000Z', '9999-12-31T23:59:59.000Z')).not.toEqual([]);
    expect(await open(id, '0001-01-01T00:00:00.000Z', '0001-01-31T00:00:00.000Z')).not.toEqual([]);
  });
});

const WEEK = { from: '2026-03-02T00:00:00.000Z', to: '2026-03-09T00:00:00.000Z' };

async function startSurgery() {
  const service = await startDoctors();
  const surgeon = { ...noor, specialties: ['surgery'] } satisfies NewDoctor;
  async function find(query: Record<string, string> = {}) {
    const parameters = new URLSearchParams({ specialty: 'surgery', ...WEEK, ...query });
    const { status, headers, body } = await service.get(`/api/v1/availability?${parameters}`);
    expect(status).toBe(200);
    return { ...readPage(body), link: headers.link };
  }
  /** Registers surgeons. Returns their ids in order. */
  async function registerMany(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) ids.push((await service.register(surgeon)).id);
    return ids.sort();
  }
  const employ = async (schedule: Schedule, specialties = ['surgery']) => {
    const { id } = await service.register({ ...surgeon, specialties });
    await service.call('PUT', `/${id}/schedule`, schedule);
    return id;
  };
  return { ...service, surgeon, find, registerMany, employ };
}

const idsOf = (items: Availability[]) => items.map(({ doctorId }) => doctorId);

describe('the availability of a specialty', () => {
  it('is that of each of its active doctors', async () => {
    const { find, employ, addException, call, register } = await startSurgery();
    const one = await employ(mondays, ['surgery', 'general-practice']);
    const two = await employ({ timeZone: 'Asia/Tokyo', weeklyHours: [hours('tuesday', '00:00', '24:00')] });
    await addException(two, off('2026-03-03T00:00:00.000Z', '2026-03-04T00:00:00.000Z'));
    await addException(two, extra('2026-03-07T10:00:00.000Z', '2026-03-07T11:00:00.000Z'));
    const idle = await register({ ...noor, specialties: ['surgery'] });
    const gone = await employ(mondays);
    await call('PATCH', `/${gone}`, { active: false });
    await employ(mondays, ['general-practice']);
    const { items, nextCursor } = await find();
    expect(nextCursor).toBeUndefined();
    expect(items).toEqual([
      {
        doctorId: one,
        version: 2,
        timeZone: 'Europe/Lisbon',
        active: true,
        items: [{ start: '2026-03-02T09:00:00.000Z', end: '2026-03-02T12:00:00.000Z' }],
      },
      {
        doctorId: two,
        version: 4,
        timeZone: 'Asia/Tokyo',
        active: true,
        items: [
          { start: '2026-03-02T15:00:00.000Z', end: '2026-03-03T00:00:00.000Z' },
          { start: '2026-03-07T10:00:00.000Z', end: '2026-03-07T11:00:00.000Z' },
        ],
      },
      { doctorId: idle.id, version: 1, timeZone: 'America/New_York', active: true, items: [] },
    ]);
  });

  it('is the same as that of each doctor alone', async () => {
    const { find, employ, addException, call } = await startSurgery();
    const id = await employ(mondays);
    await call('PUT', `/${id}/schedule`, { ...mondays, timeZone: 'Asia/Tokyo', validFrom: '2026-03-05' });
    await addException(id, off('2026-03-02T10:00:00.000Z', '2026-03-02T10:30:00.000Z'));
    const { body } = await call('GET', `/${id}/availability?${new URLSearchParams(WEEK)}`);
    expect((await find()).items).toEqual([body]);
  });

  it('comes in pages, which stay right while doctors are added', async () => {
    const { find, registerMany } = await startSurgery();
    const ids = await registerMany(5);
    const first = await find({ limit: '2' });
    expect(idsOf(first.items)).toEqual(ids.slice(0, 2));
    const added = await registerMany(2);
    const second = await find({ limit: '2', cursor: first.nextCursor ?? '' });
    expect(idsOf(second.items)).toEqual(ids.slice(2, 4));
    const third = await find({ limit: '3', cursor: second.nextCursor ?? '' });
    expect(idsOf(third.items)).toEqual([...ids.slice(4), ...added]);
    expect([third.nextCursor, third.link]).toEqual([undefined, undefined]);
  });

  it('is of 20 doctors at once, and links to the next', async () => {
    const { find, registerMany, get } = await startSurgery();
    const ids = await registerMany(21);
    const { items, link } = await find();
    expect(idsOf(items)).toEqual(ids.slice(0, 20));
    const next = await get(/<(.*)>; rel="next"/.exec(String(link))?.[1] ?? '');
    expect(idsOf(readPage(next.body).items)).toEqual(ids.slice(20));
  });

  it.each([
    ['no specialty', { specialty: undefined }, '/specialty'],
    ['what is not a specialty', { specialty: 'Surgery!' }, '/specialty'],
    ['no range', { from: undefined }, '/from'],
    ['a range that ends before it starts', { to: '2026-03-01T00:00:00.000Z' }, '/to'],
    ['too many at once', { limit: '101' }, '/limit'],
    ['a cursor that no list gave', { cursor: 'x' }, '/cursor'],
    ['what it does not know', { active: 'false' }, '/active'],
  ])('is not given for %s', async (_what, change, pointer) => {
    const { get } = await startSurgery();
    const query = new URLSearchParams({ specialty: 'surgery', ...WEEK });
    for (const [name, value] of Object.entries(change)) {
      if (value === undefined) query.delete(name);
      else query.set(name, value);
    }
    expect(await get(`/api/v1/availability?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ pointer }] },
    });
  });

  it('is given for 62 days, and for no longer', async () => {
    const { get } = await startSurgery();
    const path = '/api/v1/availability?specialty=surgery&from=2026-03-02T00:00:00.000Z';
    expect(await get(`${path}&to=2026-05-03T00:00:00.000Z`)).toMatchObject({ status: 200 });
    expect(await get(`${path}&to=2026-05-03T00:00:00.001Z`)).toMatchObject({
      status: 422,
      body: { code: 'range-too-long' },
    });
  });
});

describe('the version of an availability', () => {
  it('is that of the event of the last change in it', async () => {
    const { call, registerWith, addException, outbox } = await startDoctors();
    const { id } = await registerWith(mondays);
    const versionNow = async () => (await call('GET', `/${id}/availability?${new URLSearchParams(WEEK)}`)).body;
    const lastEvent = async () => JSON.parse((await outbox()).at(-1) ?? '');
    expect(await versionNow()).toMatchObject({ version: (await lastEvent()).sequence });
    const { id: exceptionId } = await addException(id, off('2026-03-02T09:00:00.000Z', '2026-03-02T10:00:00.000Z'));
    expect(await versionNow()).toMatchObject({ version: (await lastEvent()).sequence });
    await call('DELETE', `/${id}/exceptions/${exceptionId}`);
    await call('PATCH', `/${id}`, { active: false });
    expect(await versionNow()).toMatchObject({ version: (await lastEvent()).sequence, active: false });
  });
});
