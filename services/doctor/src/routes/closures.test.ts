import { Closure, ClosurePage, type NewClosure } from '@daybook/contracts';
import { createParser } from '@daybook/service';
import { authorizationOf } from '@daybook/service/testing';
import { describe, expect, it } from 'vitest';
import { extra, hours, off, startDoctors, UNKNOWN_ID } from '../testing.ts';

const readClosure = createParser(Closure);
const readPage = createParser(ClosurePage);
const NEW_YORK = 'America/New_York';
const CHRISTMAS = { startDate: '2026-12-25', endDate: '2026-12-25', reason: 'Christmas' } satisfies NewClosure;

async function startClinic(timeZone = NEW_YORK) {
  const service = await startDoctors();
  const { clinic } = service;
  expect(await clinic('PATCH', '', { timeZone })).toMatchObject({ status: 200 });
  return {
    ...service,
    async close(input: NewClosure = CHRISTMAS) {
      const { status, body } = await clinic('POST', '/closures', input);
      expect({ status, body }).toMatchObject({ status: 201 });
      return readClosure(body);
    },
    async list(query: Record<string, string> = {}) {
      const { status, body } = await clinic('GET', `/closures?${new URLSearchParams(query)}`);
      expect({ status, body }).toMatchObject({ status: 200 });
      return readPage(body);
    },
  };
}

const work = {
  timeZone: NEW_YORK,
  weeklyHours: [hours('friday', '09:00', '12:00'), hours('saturday', '09:00', '12:00')],
};
const [FROM, TO] = ['2026-12-25T00:00:00.000Z', '2026-12-27T00:00:00.000Z'];
const FRIDAY = '2026-12-25T14:00:00.000Z/2026-12-25T17:00:00.000Z';
const SATURDAY = '2026-12-26T14:00:00.000Z/2026-12-26T17:00:00.000Z';

describe('a closure', () => {
  it('has its days in the zone of the clinic, and keeps them when the zone changes', async () => {
    const { clinic, close, list, time } = await startClinic();
    const added = await clinic('POST', '/closures', CHRISTMAS);
    const closure = readClosure(added.body);
    expect(added).toMatchObject({ status: 201, headers: { location: `/api/v1/clinic/closures/${closure.id}` } });
    expect(closure).toEqual({
      ...CHRISTMAS,
      id: closure.id,
      timeZone: NEW_YORK,
      start: '2026-12-25T05:00:00.000Z',
      end: '2026-12-26T05:00:00.000Z',
      createdAt: time.now.toString({ fractionalSecondDigits: 3 }),
    });
    await clinic('PATCH', '', { timeZone: 'Europe/Lisbon' });
    expect(await list()).toEqual({ items: [closure] });
    expect(await close({ ...CHRISTMAS, startDate: '2026-12-24' })).toMatchObject({ start: '2026-12-24T00:00:00.000Z' });
  });

  it('takes the weekly hours of every doctor, in any zone, and gives them back when it is removed', async () => {
    const { clinic, close, registerWith, open } = await startClinic();
    const noor = await registerWith(work);
    const ines = await registerWith({ ...work, timeZone: 'Asia/Tokyo' });
    const tokyo = async () => open(ines.id, '2026-12-24T00:00:00.000Z', TO);
    expect(await open(noor.id, FROM, TO)).toEqual([FRIDAY, SATURDAY]);
    const inTokyo = [
      '2026-12-25T00:00:00.000Z/2026-12-25T03:00:00.000Z',
      '2026-12-26T00:00:00.000Z/2026-12-26T03:00:00.000Z',
    ];
    expect(await tokyo()).toEqual(inTokyo);
    const { id } = await close();
    expect(await open(noor.id, FROM, TO)).toEqual([SATURDAY]);
    // The Saturday morning of Tokyo is the Friday evening of New York.
    expect(await tokyo()).toEqual(inTokyo.slice(0, 1));
    expect(await clinic('DELETE', `/closures/${id}`)).toMatchObject({ status: 204 });
    expect(await open(noor.id, FROM, TO)).toEqual([FRIDAY, SATURDAY]);
    expect(await tokyo()).toEqual(inTokyo);
  });

  it('does not take extra hours, and leave takes them', async () => {
    const { close, registerWith, addException, open } = await startClinic();
    const { id } = await registerWith(work);
    await close();
    await addException(id, extra('2026-12-25T15:00:00.000Z', '2026-12-25T19:00:00.000Z'));
    expect(await open(id, FROM, TO)).toEqual(['2026-12-25T15:00:00.000Z/2026-12-25T19:00:00.000Z', SATURDAY]);
    await addException(id, off('2026-12-25T18:00:00.000Z', '2026-12-26T05:00:00.000Z'));
    expect(await open(id, FROM, TO)).toEqual(['2026-12-25T15:00:00.000Z/2026-12-25T18:00:00.000Z', SATURDAY]);
  });

  it('is part of the availability of one and of many, cut to the range', async () => {
    const { close, register, get } = await startClinic();
    const { id } = await register({ familyName: 'Haddad', timeZone: NEW_YORK, specialties: ['cardiology'] });
    await register({ familyName: 'Okafor', timeZone: NEW_YORK, specialties: ['cardiology'] });
    const range = new URLSearchParams({ from: '2026-12-25T12:00:00.000Z', to: TO });
    const [one, many] = [`/doctors/${id}/availability?${range}`, `/availability?specialty=cardiology&${range}`];
    expect((await get(`/api/v1${one}`)).body).not.toHaveProperty('closed');
    await close();
    await close({ startDate: '2026-12-26', endDate: '2026-12-26', reason: 'Inventory' });
    const closed = [{ start: '2026-12-25T12:00:00.000Z', end: TO }];
    expect((await get(`/api/v1${one}`)).body).toMatchObject({ closed });
    expect((await get(`/api/v1${many}`)).body).toMatchObject({ items: [{ closed }, { closed }] });
  });

  it('is added once for one Idempotency-Key', async () => {
    const { clinic, list } = await startClinic();
    const key = { 'idempotency-key': 'christmas' };
    const first = await clinic('POST', '/closures', CHRISTMAS, key);
    const again = await clinic('POST', '/closures', CHRISTMAS, key);
    expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    expect((await list()).items).toHaveLength(1);
  });

  it.each([
    ['ends before it starts', { ...CHRISTMAS, endDate: '2026-12-24' }, 422, 'invalid-interval'],
    ['lasts more than a year', { ...CHRISTMAS, endDate: '2027-12-27' }, 422, 'range-too-long'],
    ['has no reason', { startDate: '2026-12-25', endDate: '2026-12-25' }, 400, 'invalid-request'],
    ['starts at an instant', { ...CHRISTMAS, startDate: FROM }, 400, 'invalid-request'],
  ])('that %s is refused', async (_, input, status, code) => {
    const { clinic, list } = await startClinic();
    expect(await clinic('POST', '/closures', input)).toMatchObject({ status, body: { code } });
    expect(await list()).toEqual({ items: [] });
  });

  it('that does not exist cannot be removed', async () => {
    const { clinic } = await startClinic();
    expect(await clinic('DELETE', `/closures/${UNKNOWN_ID}`)).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });
});

describe('the list of closures', () => {
  const day = (date: string, endDate = date): NewClosure => ({ startDate: date, endDate, reason: 'Holiday' });

  it('is in the order of the first days, page by page, and has those that overlap the days', async () => {
    const { close, list } = await startClinic();
    for (const one of [day('2027-01-01'), day('2026-12-20', '2026-12-31'), day('2026-12-25'), day('2026-12-25')])
      await close(one);
    const startsOf = ({ items }: ClosurePageOf) => items.map(({ startDate }) => startDate);
    expect(startsOf(await list())).toEqual(['2026-12-20', '2026-12-25', '2026-12-25', '2027-01-01']);
    expect(startsOf(await list({ from: '2026-12-26' }))).toEqual(['2026-12-20', '2027-01-01']);
    expect(startsOf(await list({ to: '2026-12-24' }))).toEqual(['2026-12-20']);
    expect(startsOf(await list({ from: '2027-01-01', to: '2027-01-01' }))).toEqual(['2027-01-01']);
    expect(startsOf(await list({ from: '0000-01-01', to: '9999-12-31' }))).toHaveLength(4);
    const ids: string[] = [];
    let next: { cursor?: string } | undefined = {};
    while (next) {
      const page: ClosurePageOf = await list({ limit: '1', ...next });
      ids.push(...page.items.map(({ id }) => id));
      next = page.nextCursor === undefined ? undefined : { cursor: page.nextCursor };
    }
    expect(ids).toEqual((await list()).items.map(({ id }) => id));
  });

  it('refuses a range that ends before it begins', async () => {
    const { clinic } = await startClinic();
    const { status, body } = await clinic('GET', '/closures?from=2026-12-26&to=2026-12-25');
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ pointer: '/to' }] } });
  });
});

type ClosurePageOf = ReturnType<typeof readPage>;

describe('the clinic', () => {
  const patient = { role: 'patient', patientIds: [UNKNOWN_ID] } as const;
  const people = [patient, { role: 'doctor', doctorId: UNKNOWN_ID }, { role: 'front-desk' }] as const;

  it('is public, and its closures are for all people with an account', async () => {
    const { app } = await startClinic();
    const statusOf = async (url: string, headers = {}) => (await app.inject({ url, headers })).statusCode;
    expect(await statusOf('/api/v1/clinic')).toBe(200);
    expect(await statusOf('/api/v1/clinic/closures')).toBe(401);
    for (const caller of people) {
      const headers = await authorizationOf(caller);
      expect(await statusOf('/api/v1/clinic', headers)).toBe(200);
      expect(await statusOf('/api/v1/clinic/closures', headers)).toBe(200);
    }
  });

  it('is changed and closed by an administrator only', async () => {
    const { clinic, close } = await startClinic();
    const { id } = await close();
    for (const caller of people) {
      const headers = await authorizationOf(caller);
      const forbidden = { status: 403, body: { code: 'forbidden' } };
      expect(await clinic('PATCH', '', { name: 'x' }, headers)).toMatchObject(forbidden);
      expect(await clinic('POST', '/closures', CHRISTMAS, headers)).toMatchObject(forbidden);
      expect(await clinic('DELETE', `/closures/${id}`, undefined, headers)).toMatchObject(forbidden);
    }
  });
});
