import { type Hours, MAX_SCHEDULE_PERIODS, type NewSchedule, Schedule } from '@daybook/contracts';
import { createParser } from '@daybook/service';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hours, startDoctors } from '../testing.ts';

const readSchedule = createParser(Schedule);
const timeZone = 'America/New_York';
const weeklyOn = (...days: Hours['day'][]) => days.map((day) => hours(day, '09:00', '12:00'));
const mondays = { timeZone, weeklyHours: weeklyOn('monday') };
const tuesdays = { timeZone, weeklyHours: weeklyOn('tuesday') };
const fridays = { timeZone, weeklyHours: weeklyOn('friday') };
const from = (validFrom: string, schedule: NewSchedule): NewSchedule => ({ ...schedule, validFrom });

/** Registers a doctor at 2026-03-02T09:00Z. Returns functions that read and change the schedule. */
async function startSchedule() {
  const service = await startDoctors();
  const { id } = await service.register({ givenName: 'Noor', familyName: 'Haddad', timeZone });
  const path = `/${id}/schedule`;
  const put = (schedule: NewSchedule, etag?: string) =>
    service.call('PUT', path, schedule, etag === undefined ? {} : { 'if-match': etag });
  const get = (on?: string) => service.call('GET', on === undefined ? path : `${path}?on=${on}`);
  const tagOn = async (on?: string) => String((await get(on)).headers.etag);
  const schedulesOn = (...days: string[]) => Promise.all(days.map(async (on) => readSchedule((await get(on)).body)));
  return { ...service, id, path, put, get, tagOn, schedulesOn };
}

describe('hours from a date on', () => {
  it('begin on that day, and those before stay until then', async () => {
    const { put, schedulesOn } = await startSchedule();
    await put(mondays);
    const response = await put(from('2026-12-01', tuesdays));
    expect(response).toMatchObject({ status: 200 });
    expect(response.body).toEqual(from('2026-12-01', tuesdays));
    const before = { ...mondays, validThrough: '2026-11-30' };
    const after = { ...tuesdays, validFrom: '2026-12-01' };
    expect(await schedulesOn('2026-03-02', '2026-11-30', '2026-12-01', '9999-12-31')).toEqual([
      before,
      before,
      after,
      after,
    ]);
  });

  it('may be the first: until then there are none', async () => {
    const { put, schedulesOn } = await startSchedule();
    await put(from('2026-12-01', { ...tuesdays, timeZone: 'Asia/Tokyo' }));
    expect(await schedulesOn('0000-01-01', '2026-11-30', '2026-12-01')).toEqual([
      { timeZone: 'Asia/Tokyo', weeklyHours: [], validThrough: '2026-11-30' },
      { timeZone: 'Asia/Tokyo', weeklyHours: [], validThrough: '2026-11-30' },
      { ...tuesdays, timeZone: 'Asia/Tokyo', validFrom: '2026-12-01' },
    ]);
  });

  it('replace the hours that would begin on that day or later, and no others', async () => {
    const { put, schedulesOn } = await startSchedule();
    await put(mondays);
    for (const day of ['2026-05-01', '2026-06-01', '2026-07-01']) await put(from(day, tuesdays));
    await put(from('2026-06-01', fridays));
    expect(await schedulesOn('2026-04-30', '2026-05-01', '2026-06-01', '2026-08-01')).toEqual([
      { ...mondays, validThrough: '2026-04-30' },
      { ...tuesdays, validFrom: '2026-05-01', validThrough: '2026-05-31' },
      { ...fridays, validFrom: '2026-06-01' },
      { ...fridays, validFrom: '2026-06-01' },
    ]);
  });

  it('are all gone once hours without a date are set', async () => {
    const { put, schedulesOn } = await startSchedule();
    await put(from('2026-05-01', tuesdays));
    await put(from('2026-06-01', fridays));
    expect((await put(mondays)).body).toEqual(mondays);
    expect(await schedulesOn('2026-01-01', '2026-05-15', '2026-06-15')).toEqual([mondays, mondays, mondays]);
  });

  it('from the first date that can be written are from always', async () => {
    const { put, schedulesOn } = await startSchedule();
    expect((await put(from('0000-01-01', mondays))).body).toEqual(mondays);
    await put(from('0000-01-02', tuesdays));
    expect(await schedulesOn('0000-01-01')).toEqual([{ ...mondays, validThrough: '0000-01-01' }]);
  });

  it("without a requested day are those of today in the schedule's own zone, wherever the server and the caller are", async () => {
    const { put, get, time } = await startSchedule();
    await put(mondays);
    await put(from('2026-12-01', tuesdays));
    // New York is five hours behind UTC, so it is still November there.
    time.now = Temporal.Instant.from('2026-12-01T04:59:59.000Z');
    expect((await get()).body).toMatchObject({ validThrough: '2026-11-30' });
    time.now = Temporal.Instant.from('2026-12-01T05:00:00.000Z');
    expect((await get()).body).toMatchObject({ validFrom: '2026-12-01' });
  });

  it('of another zone begin with the day of their own zone', async () => {
    const { put, get, time } = await startSchedule();
    await put(mondays);
    await put(from('2026-12-01', { ...tuesdays, timeZone: 'Asia/Tokyo' }));
    time.now = Temporal.Instant.from('2026-11-30T14:59:59.000Z');
    expect((await get()).body).toMatchObject({ timeZone });
    time.now = Temporal.Instant.from('2026-11-30T15:00:00.000Z');
    expect((await get()).body).toMatchObject({ timeZone: 'Asia/Tokyo' });
  });

  it.each([
    ['a last day', { ...mondays, validThrough: '2026-12-31' }, '/validThrough'],
    ['a first day that does not exist', from('2026-02-30', mondays), '/validFrom'],
    ['an instant for a first day', from('2026-12-01T00:00:00.000Z', mondays), '/validFrom'],
  ])('are refused with %s', async (_what, schedule, pointer) => {
    const { put } = await startSchedule();
    expect(await put(schedule)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ pointer }] },
    });
  });

  it('are read by a day that exists', async () => {
    const { get } = await startSchedule();
    for (const on of ['2026-02-30', 'today', '', '2026-12-01T00:00:00.000Z']) {
      expect(await get(on)).toMatchObject({
        status: 400,
        body: { code: 'invalid-request', errors: [{ pointer: '/on' }] },
      });
    }
  });

  it('have as many periods as can be computed with, and no more', async () => {
    const { put, schedulesOn } = await startSchedule();
    const first = Temporal.PlainDate.from('2026-01-01');
    const dayOf = (index: number) => first.add({ days: index }).toString();
    for (let index = 0; index < MAX_SCHEDULE_PERIODS; index += 1) {
      expect(await put(from(dayOf(index), mondays))).toMatchObject({ status: 200 });
    }
    expect(await put(from(dayOf(MAX_SCHEDULE_PERIODS), tuesdays))).toMatchObject({
      status: 422,
      body: { code: 'too-many-periods' },
    });
    expect(await put(from(dayOf(MAX_SCHEDULE_PERIODS - 1), fridays))).toMatchObject({ status: 200 });
    expect(await schedulesOn('2027-01-01')).toMatchObject([fridays]);
  });

  it('are published when they are set, not when they begin', async () => {
    const { put, outbox } = await startSchedule();
    await put(mondays);
    await put(from('2026-12-01', tuesdays));
    const events = (await outbox()).map((event) => JSON.parse(event));
    expect(events.slice(1)).toMatchObject([
      { type: 'daybook.doctor.schedule-changed.v1', sequence: 2 },
      { type: 'daybook.doctor.schedule-changed.v1', sequence: 3 },
    ]);
  });
});

describe('the ETag of the hours', () => {
  it('is another one once midnight has brought other hours, and still lets a write through', async () => {
    const { put, tagOn, time, path, call } = await startSchedule();
    await put(mondays);
    await put(from('2026-12-01', tuesdays));
    const november = await tagOn();
    time.now = Temporal.Instant.from('2026-12-01T05:00:00.000Z');
    expect(await tagOn()).not.toBe(november);
    expect(await call('GET', path, undefined, { 'if-none-match': november })).toMatchObject({ status: 200 });
    expect(await put(fridays, november)).toMatchObject({ status: 200 });
  });

  it('is another one once later hours end these', async () => {
    const { put, tagOn, path, call } = await startSchedule();
    await put(mondays);
    const known = await tagOn();
    await put(from('2026-12-01', tuesdays));
    expect(await call('GET', path, undefined, { 'if-none-match': known })).toMatchObject({
      status: 200,
      body: { validThrough: '2026-11-30' },
    });
    expect(await put(fridays, known)).toMatchObject({ status: 412 });
  });

  it('of any day lets a write through while nothing of the hours has changed, and none after', async () => {
    const { put, tagOn, call, id } = await startSchedule();
    await put(mondays);
    await put(from('2026-12-01', tuesdays));
    await call('PATCH', `/${id}`, { email: 'noor@example.org' });
    const tags = [await tagOn('2026-11-30'), await tagOn('2026-12-01')];
    const second = await put(from('2027-01-01', fridays), tags[0]);
    expect(second).toMatchObject({ status: 200 });
    for (const tag of tags) expect(await put(mondays, tag)).toMatchObject({ status: 412 });
    expect(await put(mondays, String(second.headers.etag))).toMatchObject({ status: 200 });
  });

  it('is never shared by two contents, whatever is written and whenever it is read', async () => {
    const day = fc.nat(20).map((days) => Temporal.PlainDate.from('2026-03-01').add({ days }).toString());
    const some = fc.constantFrom(mondays, tuesdays, fridays, { ...mondays, timeZone: 'Asia/Tokyo' });
    const write = fc.oneof(
      fc.tuple(day, some).map(([validFrom, schedule]) => ({ put: from(validFrom, schedule) })),
      some.map((schedule) => ({ put: schedule })),
      fc.constantFrom('UTC', 'Asia/Tokyo').map((zone) => ({ zone })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 8 }), fc.array(day, { minLength: 4 }), async (writes, days) => {
        const { put, get, call, id } = await startSchedule();
        const contents = new Map<string, unknown>();
        for (const step of [undefined, ...writes]) {
          if (step && 'put' in step) expect(await put(step.put)).toMatchObject({ status: 200 });
          if (step && 'zone' in step) await call('PATCH', `/${id}`, { timeZone: step.zone });
          for (const on of [undefined, ...days]) {
            const { body, headers } = await get(on);
            const tag = String(headers.etag);
            if (contents.has(tag)) expect(body).toEqual(contents.get(tag));
            contents.set(tag, body);
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('availability', () => {
  it('is of the hours of each day, over the change from ones to others', async () => {
    const { put, open, id } = await startSchedule();
    await put({ timeZone, weeklyHours: [hours('monday', '20:00', '24:00')] });
    await put(from('2026-12-01', { timeZone, weeklyHours: [hours('monday', '09:00', '10:00')] }));
    expect(await open(id, '2026-11-23T05:00:00.000Z', '2026-12-15T05:00:00.000Z')).toEqual([
      '2026-11-24T01:00:00.000Z/2026-11-24T05:00:00.000Z',
      '2026-12-01T01:00:00.000Z/2026-12-01T05:00:00.000Z',
      '2026-12-07T14:00:00.000Z/2026-12-07T15:00:00.000Z',
      '2026-12-14T14:00:00.000Z/2026-12-14T15:00:00.000Z',
    ]);
  });

  it('is found of the period in force, however long ago it began and however many are over', async () => {
    const { put, open, id } = await startSchedule();
    for (const year of ['2001', '2002', '2003']) await put(from(`${year}-01-01`, mondays));
    await put(from('2004-01-01', tuesdays));
    await put(from('2030-01-01', fridays));
    expect(await open(id, '2026-03-02T00:00:00.000Z', '2026-03-07T00:00:00.000Z')).toEqual([
      '2026-03-03T14:00:00.000Z/2026-03-03T17:00:00.000Z',
    ]);
    expect(await open(id, '2002-12-30T00:00:00.000Z', '2003-01-07T00:00:00.000Z')).toEqual([
      '2002-12-30T14:00:00.000Z/2002-12-30T17:00:00.000Z',
      '2003-01-06T14:00:00.000Z/2003-01-06T17:00:00.000Z',
    ]);
    expect(await open(id, '1999-12-01T00:00:00.000Z', '2000-01-01T00:00:00.000Z')).toEqual([]);
  });

  it('is found where the day of the place is the one after or before that of UTC', async () => {
    const { put, open, id } = await startSchedule();
    const around = (zone: string, days: Hours['day'][]) => ({
      timeZone: zone,
      weeklyHours: days.map((day) => hours(day, '00:00', '24:00')),
    });
    // Wednesday 2 December begins there at 10:00 UTC on 1 December.
    await put(around('Pacific/Kiritimati', []));
    await put(from('2026-12-02', around('Pacific/Kiritimati', ['wednesday'])));
    expect(await open(id, '2026-12-01T09:00:00.000Z', '2026-12-01T12:00:00.000Z')).toEqual([
      '2026-12-01T10:00:00.000Z/2026-12-01T12:00:00.000Z',
    ]);
    // Tuesday 1 December ends there at 11:00 UTC on 2 December.
    await put(around('Pacific/Pago_Pago', ['tuesday']));
    await put(from('2026-12-02', around('Pacific/Pago_Pago', [])));
    expect(await open(id, '2026-12-02T09:00:00.000Z', '2026-12-02T12:00:00.000Z')).toEqual([
      '2026-12-02T09:00:00.000Z/2026-12-02T11:00:00.000Z',
    ]);
  });

  it('names the zone of the hours in force when the range begins, else of the first in it', async () => {
    const { put, call, id } = await startSchedule();
    const zoneFrom = async (start: string) => {
      const query = new URLSearchParams({ from: start, to: '2026-12-20T00:00:00.000Z' });
      return (await call('GET', `/${id}/availability?${query}`)).body;
    };
    await put(from('2026-12-01', { ...mondays, timeZone: 'Asia/Tokyo' }));
    await put(from('2026-12-10', { ...mondays, timeZone: 'Europe/Lisbon' }));
    expect(await zoneFrom('2026-11-20T00:00:00.000Z')).toMatchObject({ timeZone: 'Asia/Tokyo' });
    expect(await zoneFrom('2026-12-09T23:59:59.000Z')).toMatchObject({ timeZone: 'Asia/Tokyo' });
    expect(await zoneFrom('2026-12-10T00:00:00.000Z')).toMatchObject({ timeZone: 'Europe/Lisbon' });
  });
});
