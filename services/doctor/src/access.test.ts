/** Every operation of this service does what the access table says, for each role, and for own and foreign records. */
import { accessOperations, Closure, type Doctor } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { createLogger, createParser } from '@daybook/service';
import {
  type AccessRequest,
  callersOf,
  expectedOutcome,
  type MaybeCaller,
  operationsOf,
  outcomeOf,
  rawResponse,
  requestsTo,
} from '@daybook/service/testing';
import { describe, expect, it } from 'vitest';
import { NAME } from './app.ts';
import { noor, off, startDoctors } from './testing.ts';

const API = '/api/v1/doctors';
const RANGE = 'from=2026-03-02T00:00:00Z&to=2026-03-09T00:00:00Z';
const CLINIC = '/api/v1/clinic';
const holiday = { startDate: '2026-12-25', endDate: '2026-12-25', reason: 'a holiday' };
const readClosure = createParser(Closure);
const silent = createLogger({ level: 'silent' });

type Doctors = Awaited<ReturnType<typeof startDoctors>>;

/** Returns a request of an operation for a record. It may prepare the record. */
type Case = (record: Doctor, doctors: Doctors) => AccessRequest | Promise<AccessRequest>;

const leave = off('2026-03-03T08:00:00.000Z', '2026-03-03T12:00:00.000Z');
const schedule = { timeZone: 'UTC', weeklyHours: [] };

const cases: Readonly<Record<string, Case>> = {
  findDoctors: ({ id, familyName }) => ({ method: 'GET', url: `${API}?q=${familyName}`, listed: id }),
  getDoctor: ({ id }) => ({ method: 'GET', url: `${API}/${id}` }),
  registerDoctor: () => ({ method: 'POST', url: API, payload: noor }),
  changeDoctor: ({ id }) => ({ method: 'PATCH', url: `${API}/${id}`, payload: { email: 'new@example.org' } }),
  getAvailability: ({ id }) => ({ method: 'GET', url: `${API}/${id}/availability?${RANGE}` }),
  findAvailability: () => ({ method: 'GET', url: `/api/v1/availability?specialty=surgery&${RANGE}` }),
  getSchedule: ({ id }) => ({ method: 'GET', url: `${API}/${id}/schedule` }),
  replaceSchedule: ({ id }) => ({ method: 'PUT', url: `${API}/${id}/schedule`, payload: schedule }),
  listScheduleExceptions: ({ id }) => ({ method: 'GET', url: `${API}/${id}/exceptions` }),
  addScheduleException: ({ id }) => ({ method: 'POST', url: `${API}/${id}/exceptions`, payload: leave }),
  removeScheduleException: async ({ id }, { addException }) => ({
    method: 'DELETE',
    url: `${API}/${id}/exceptions/${(await addException(id, leave)).id}`,
  }),
  getClinic: () => ({ method: 'GET', url: CLINIC }),
  changeClinic: () => ({ method: 'PATCH', url: CLINIC, payload: { name: 'Riverside Clinic' } }),
  listClosures: () => ({ method: 'GET', url: `${CLINIC}/closures` }),
  addClosure: () => ({ method: 'POST', url: `${CLINIC}/closures`, payload: holiday }),
  removeClosure: async (_doctor, { app }) => {
    const { body } = await requestsTo(app, CLINIC)('POST', '/closures', holiday);
    return { method: 'DELETE', url: `${CLINIC}/closures/${readClosure(body).id}` };
  },
};

let registered = 0;
const uniqueName = () => `Person${[...String(++registered)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}x`;

it('each operation of the service has a row in the access table and a case here', async () => {
  const { app } = await startDoctors();
  const operations = await operationsOf(app);
  expect(operations.toSorted()).toEqual(Object.keys(cases).toSorted());
  expect(operations.filter((id) => !accessOperations.includes(id))).toEqual([]);
});

it.each(Object.entries(cases))('%s is for the callers that the access table names', async (operation, requestFor) => {
  const doctors = await startDoctors(silent, { hasPublicPage: true });
  const { app, register, outbox } = doctors;
  const [found, expected]: Record<string, string>[] = [{}, {}];
  for (const isOwn of [true, false]) {
    for (const index of callersOf(operation, {}).keys()) {
      const record = await register({ ...noor, familyName: uniqueName() });
      const doctorId = isOwn ? record.id : newId();
      const caller = callersOf(operation, { doctor: { doctorId } })[index];
      const name = `${caller ? `${caller.id} for ${caller.scope ?? 'a person'}` : 'nobody'}, ${isOwn ? 'own' : 'foreign'}`;
      const request = await requestFor(record, doctors);
      const before = (await outbox()).length;
      const outcome = await outcomeOf(app, NAME, caller, request);
      Object.assign(found ?? {}, { [name]: outcome });
      Object.assign(expected ?? {}, { [name]: expectedOutcome(operation, caller, isOwn) });
      if (outcome !== 'allowed') expect([name, (await outbox()).length]).toEqual([name, before]);
    }
  }
  expect(found).toEqual(expected);
});

const patient = { id: 'patient', role: 'patient', patientIds: [] } as const;
const doctorOf = ({ id: doctorId }: Pick<Doctor, 'id'>) =>
  ({ id: 'doctor', role: 'doctor', patientIds: [], doctorId }) as const;

describe('patients and visitors', () => {
  it('see active doctors without contacts, by an ETag of their own', async () => {
    const { app, callAs, register, call } = await startDoctors(silent, { hasPublicPage: true });
    const { id } = await register({ ...noor, email: 'noor@example.org', phone: '+15551234567' });
    const { body, headers } = await callAs(patient)('GET', `/${id}`);
    expect(body).not.toHaveProperty('email');
    expect(body).not.toHaveProperty('phone');
    expect(body).toMatchObject({ id, ...noor });
    expect(headers.etag).not.toBe((await call('GET', `/${id}`)).headers.etag);
    expect((await app.inject(`${API}/${id}`)).json()).toEqual(body);
    expect((await callAs(patient)('GET', '')).body).toEqual({ items: [body] });
    expect((await call('GET', `/${id}`)).body).toMatchObject({ email: 'noor@example.org', phone: '+15551234567' });
  });

  it('do not see inactive doctors, whatever they filter by', async () => {
    const { callAs, register } = await startDoctors();
    const { id } = await register({ ...noor, active: false, specialties: ['surgery'] });
    const get = (path: string) => callAs(patient)('GET', path);
    expect(await get(`/${id}`)).toMatchObject({ status: 404 });
    for (const query of ['', '?active=true', '?active=false', '?q=noor', '?specialty=surgery&active=false']) {
      expect((await get(query)).body).toEqual({ items: [] });
    }
    const other = await register();
    expect((await callAs(doctorOf(other))('GET', `/${id}`)).status).toBe(200);
  });

  it('see nothing without a token where the clinic has no public page', async () => {
    const { app, register } = await startDoctors();
    const { id } = await register();
    for (const url of [API, `${API}/${id}`]) expect((await app.inject(url)).statusCode).toBe(401);
  });
});

describe('a doctor', () => {
  it('changes own contacts, and nothing else', async () => {
    const { callAs, register, read } = await startDoctors();
    const me = await register();
    const change = (body: object) => callAs(doctorOf(me))('PATCH', `/${me.id}`, body);
    const contacts = { email: 'noor@example.org', phone: '+15551234567' };
    expect(await change(contacts)).toMatchObject({ status: 200, body: contacts });
    for (const [member, value] of Object.entries({
      active: false,
      givenName: 'Bea',
      familyName: 'Bond',
      specialties: [],
      languages: [],
      timeZone: 'UTC',
      appointmentTypeIds: [],
    })) {
      expect(await change({ email: 'b@example.org', [member]: value })).toMatchObject({
        status: 403,
        body: { code: 'forbidden', errors: [{ pointer: `/${member}` }] },
      });
    }
    expect(await read(me.id)).toMatchObject({ ...noor, ...contacts, version: 2 });
  });

  it('whose account belongs to no doctor changes none', async () => {
    const { callAs, register, addException } = await startDoctors();
    const { id } = await register();
    const call = callAs({ id: 'account', role: 'doctor', patientIds: [] });
    const exception = await addException(id, leave);
    const missing = { status: 404, body: { code: 'not-found' } };
    expect(await call('PATCH', `/${id}`, { phone: '+15551234567' })).toMatchObject(missing);
    expect(await call('PUT', `/${id}/schedule`, schedule)).toMatchObject(missing);
    expect(await call('POST', `/${id}/exceptions`, leave)).toMatchObject(missing);
    expect(await call('DELETE', `/${id}/exceptions/${exception.id}`)).toMatchObject(missing);
  });

  it('reads the reasons of own exceptions only', async () => {
    const { callAs, register, addException, exceptions } = await startDoctors();
    const [me, other] = [await register(), await register()];
    for (const { id } of [me, other]) await addException(id, { ...leave, reason: 'knee surgery' });
    const listed = async (id: string) => (await callAs(doctorOf(me))('GET', `/${id}/exceptions`)).body;
    expect(await listed(me.id)).toMatchObject({ items: [{ reason: 'knee surgery' }] });
    expect(await listed(other.id)).toMatchObject({ items: [{ ...leave, doctorId: other.id }] });
    expect(JSON.stringify(await listed(other.id))).not.toContain('knee');
    expect(await exceptions(other.id)).toMatchObject({ items: [{ reason: 'knee surgery' }] });
  });

  it('does not get the stored response of a calendar that is no longer the own one', async () => {
    const { callAs, register } = await startDoctors();
    const [me, other] = [await register(), await register()];
    const headers = { 'idempotency-key': 'key' };
    const add = (as: Doctor) =>
      callAs(doctorOf(as))('POST', `/${me.id}/exceptions`, { ...leave, reason: 'knee' }, headers);
    expect(await add(me)).toMatchObject({ status: 201 });
    expect(await add(me)).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    expect(await add(other)).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });
});

/** Planted in all texts of foreign records. */
const MARK = /quokka|9090909/i;
const foreign = {
  ...noor,
  email: 'quokka@quokka.example.org',
  phone: '+15559090909',
};

/** Returns requests that try to read foreign records by each operation. */
function attemptsOn(ids: readonly string[], exceptionId: string, cursors: readonly string[]): AccessRequest[] {
  const bodies: object[] = [{}, { email: 'mine@example.org' }, { active: true }, foreign, schedule, leave];
  const words = ['quokka', '9090909', 'noor', 'haddad', 'h'];
  const queries = [
    ...words.flatMap((q) => [`q=${q}`, `q=${q}&active=false`, `q=${q}&specialty=quokka`]),
    ...['', 'active=false', 'active=true', 'specialty=quokka', 'specialty=surgery', 'limit=100', 'reason=knee'],
    ...cursors.flatMap((cursor) => [`cursor=${cursor}`, `cursor=${cursor}&active=false`]),
  ];
  const lists = queries.flatMap((query): AccessRequest[] => [
    { method: 'GET', url: `${API}?${query}` },
    { method: 'GET', url: `/api/v1/availability?specialty=surgery&${RANGE}&${query}` },
    ...ids.map((id): AccessRequest => ({ method: 'GET', url: `${API}/${id}/exceptions?${query}` })),
  ]);
  const single = ids.flatMap((id): AccessRequest[] => [
    ...['', '/schedule', `/availability?${RANGE}`, '/exceptions'].map(
      (path): AccessRequest => ({ method: 'GET', url: `${API}/${id}${path}` }),
    ),
    ...bodies.flatMap((payload): AccessRequest[] => [
      { method: 'POST', url: API, payload },
      { method: 'PATCH', url: `${API}/${id}`, payload },
      { method: 'PUT', url: `${API}/${id}/schedule`, payload },
      { method: 'POST', url: `${API}/${id}/exceptions`, payload },
    ]),
    { method: 'DELETE', url: `${API}/${id}/exceptions/${exceptionId}` },
  ]);
  return [...lists, ...single];
}

it.each(['patient', 'visitor', 'doctor'] as const)(
  'no response to a %s has a hidden text of a doctor',
  async (role) => {
    const doctors = await startDoctors(silent, { hasPublicPage: true });
    const { app, register, addException, find } = doctors;
    const mine = await register();
    // Doctors see the names and contacts of each other, so only the reasons are marked for them.
    const record = role === 'doctor' ? { ...noor, specialties: ['surgery'] } : { ...foreign, specialties: ['surgery'] };
    const inactive = { ...record, familyName: role === 'doctor' ? 'Haddad' : 'Haddad Quokkafamily', active: false };
    const ids = [(await register(record)).id, (await register(inactive)).id];
    const added = [];
    for (const id of ids) added.push(await addException(id, { ...leave, reason: 'quokka bite, 9090909' }));
    const cursors = [(await find({ limit: '1' })).nextCursor ?? '', (await find({ limit: '2' })).nextCursor ?? ''];
    const callers: Record<typeof role, MaybeCaller> = { patient, visitor: undefined, doctor: doctorOf(mine) };
    const desk = { id: 'desk', role: 'front-desk', patientIds: [] } as const;
    expect(await rawResponse(app, NAME, desk, { method: 'GET', url: `${API}/${ids[0]}/exceptions` })).toMatch(MARK);
    const attempts = attemptsOn(ids, added[0]?.id ?? '', cursors);
    expect(attempts.length).toBeGreaterThan(100);
    for (const request of attempts) {
      const response = await rawResponse(app, NAME, callers[role], request);
      // A list of pages repeats the query of the request.
      expect({ request, response }).toEqual({ request, response: expect.not.stringMatching(MARK) });
    }
  },
);
