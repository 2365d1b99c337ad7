/** Every operation of this service does what the access table says, for each role, and for own and foreign records. */
import { accessOperations, type Patient } from '@daybook/contracts';
import { idFromBytes, newId } from '@daybook/database';
import {
  type AccessRequest,
  callersOf,
  expectedOutcome,
  type MaybeCaller,
  operationsOf,
  outcomeOf,
  rawResponse,
} from '@daybook/service/testing';
import { describe, expect, it } from 'vitest';
import { NAME } from './app.ts';
import { ana, appointmentEvent, DOCTOR_ID, startPatients, visitOf } from './testing.ts';

const API = '/api/v1/patients';
const PARKED = '/api/v1/admin/parked-events';
const OTHER_DOCTOR_ID = newId();

type Patients = Awaited<ReturnType<typeof startPatients>>;

/** Returns a request of an operation for a record. It may prepare the record. */
type Case = (record: Patient, patients: Patients) => AccessRequest | Promise<AccessRequest>;

const reason = 'a reason';

const cases: Readonly<Record<string, Case>> = {
  findPatients: ({ id }) => ({ method: 'GET', url: `${API}?id=${id}`, listed: id }),
  searchPatients: ({ id, familyName }) => ({
    method: 'POST',
    url: `${API}/search`,
    payload: { q: familyName },
    listed: id,
  }),
  registerPatient: () => ({ method: 'POST', url: API, payload: { ...ana, confirmedNew: true } }),
  getPatient: ({ id }) => ({ method: 'GET', url: `${API}/${id}` }),
  getPatientEligibility: ({ id }) => ({ method: 'GET', url: `${API}/${id}/eligibility` }),
  emergencyAccess: ({ id }) => ({ method: 'POST', url: `${API}/${id}/emergency-access`, payload: { reason } }),
  mergePatients: async ({ id }, { register }) => ({
    method: 'POST',
    url: `${API}/${id}/merge`,
    payload: { into: (await register(ana)).id, reason },
  }),
  unmergePatients: async ({ id }, { register, call }) => {
    await call('POST', `/${id}/merge`, { into: (await register(ana)).id, reason });
    return { method: 'POST', url: `${API}/${id}/unmerge`, payload: { reason } };
  },
  exportPatient: ({ id }) => ({ method: 'GET', url: `${API}/${id}/export` }),
  erasePatient: ({ id }, { time }) => {
    // After the visits.
    time.now = Temporal.Instant.from('2026-03-02T10:00:00.000Z');
    return { method: 'POST', url: `${API}/${id}/erasure`, payload: { basis: 'request' } };
  },
  getContactProof: ({ id }) => ({ method: 'GET', url: `${API}/${id}/contact-proof` }),
  getFormerContact: async ({ id }, { call, database }) => {
    await call('PATCH', `/${id}`, { email: `${id}@example.org` });
    const changes = await database.read((db) => db.selectFrom('contact_changes').selectAll().execute());
    const change = changes.find(({ patient_id }) => idFromBytes(patient_id) === id);
    return { method: 'GET', url: `${API}/${id}/contact-changes/${change ? idFromBytes(change.id) : ''}` };
  },
  changePatient: ({ id }) => ({ method: 'PATCH', url: `${API}/${id}`, payload: { email: 'new@example.org' } }),
  listParkedEvents: () => ({ method: 'GET', url: PARKED }),
  resendParkedEvent: async ({ id }, { bus, database }) => {
    const event = appointmentEvent('booked', visitOf(id));
    await bus.publish(JSON.parse(JSON.stringify({ ...event, data: {} })));
    // Repairs the event, as a fix of the code would.
    await database.write((tx) =>
      tx
        .updateTable('parked_events')
        .set({ event: JSON.stringify(event) })
        .execute(),
    );
    return { method: 'POST', url: `${PARKED}/patient.care-relationships/${event.id}/resend` };
  },
};

let registered = 0;
const uniqueName = () => `Person${[...String(++registered)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}x`;

it('each operation of the service has a row in the access table and a case here', async () => {
  const { app } = await startPatients();
  const operations = await operationsOf(app);
  expect(operations.toSorted()).toEqual(Object.keys(cases).toSorted());
  expect(operations.filter((id) => !accessOperations.includes(id))).toEqual([]);
});

it.each(Object.entries(cases))('%s is for the callers that the access table names', async (operation, requestFor) => {
  const patients = await startPatients();
  const { app, bus, register, outbox } = patients;
  const [found, expected]: Record<string, string>[] = [{}, {}];
  for (const isOwn of [true, false]) {
    const names = callersOf(operation, {});
    for (const index of names.keys()) {
      const record = await register({ ...ana, familyName: uniqueName() });
      const mine = isOwn ? record : await register(ana);
      await bus.publish(appointmentEvent('booked', visitOf(mine.id)));
      await bus.publish(appointmentEvent('booked', visitOf(record.id, { doctorId: OTHER_DOCTOR_ID })));
      const records = { patient: { patientIds: [mine.id] }, doctor: { doctorId: DOCTOR_ID } };
      const caller = callersOf(operation, records)[index];
      const name = `${caller ? `${caller.id} for ${caller.scope ?? 'a person'}` : 'nobody'}, ${isOwn ? 'own' : 'foreign'}`;
      const request = await requestFor(record, patients);
      const before = (await outbox()).length;
      const outcome = await outcomeOf(app, NAME, caller, request);
      Object.assign(found ?? {}, { [name]: outcome });
      Object.assign(expected ?? {}, { [name]: expectedOutcome(operation, caller, isOwn) });
      if (outcome !== 'allowed') expect([name, (await outbox()).length]).toEqual([name, before]);
    }
  }
  expect(found).toEqual(expected);
});

describe('a stored response', () => {
  it('is not replayed to an account that has lost the permission', async () => {
    const { callAs } = await startPatients();
    const headers = { 'idempotency-key': 'key' };
    const register = (role: 'front-desk' | 'doctor' | 'patient') =>
      callAs({ id: 'account', role, doctorId: DOCTOR_ID })('POST', '', ana, headers);
    expect(await register('front-desk')).toMatchObject({ status: 201 });
    expect(await register('front-desk')).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    for (const role of ['doctor', 'patient'] as const) {
      const refused = await register(role);
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(JSON.stringify(refused)).not.toContain(ana.familyName);
    }
  });
});

/** Planted in all texts of foreign records. */
const MARK = /quokka|9090909/i;
const foreign = {
  givenName: 'Quokkagiven',
  familyName: 'Quokkafamily',
  birthDate: '1961-03-04',
  gender: 'female' as const,
  email: 'quokka@quokka.example.org',
  phone: '+15559090909',
  address: { lines: ['1 Quokka Street'], city: 'Quokkaville', region: 'Quokkaland', postalCode: 'QUOKKA' },
  identifiers: [{ system: 'urn:quokka', value: 'QUOKKA-1' }],
};

/** Returns requests that try to read foreign records by each operation. */
function attemptsOn(ids: readonly string[], own: string, cursors: readonly string[]): AccessRequest[] {
  const words = ['quokka', 'quokkagiven quokkafamily', '1961-03-04', '9090909', '0909', 'QUOKKA-1', 'q', 'a'];
  const filters = [
    ...words.map((q) => ({ q })),
    ...words.map((q) => ({ q, birthDate: foreign.birthDate })),
    { birthDate: foreign.birthDate },
    { limit: '100' },
    ...cursors.map((cursor) => ({ cursor })),
    ...cursors.map((cursor) => ({ q: 'quokka', cursor })),
  ];
  const bodies: object[] = [
    {},
    { email: 'mine@example.org' },
    { active: false },
    { identifiers: [{ system: 'urn:q', value: 'Q' }] },
    { ...foreign, confirmedNew: false },
    { reason },
    { into: own, reason },
    { nonsense: [ids] },
  ];
  const lists = filters.flatMap((filter): AccessRequest[] => [
    { method: 'GET', url: `${API}?${new URLSearchParams(Object.entries(filter).map(([k, v]) => [k, v]))}` },
    { method: 'POST', url: `${API}/search`, payload: { ...filter, ...('limit' in filter && { limit: 100 }) } },
  ]);
  const [first = ''] = ids;
  const lookups = [`${API}?id=${ids.join(',')}`, `${API}?id=${ids.join(',')}&q=quokka`, `${API}?id=${first},${own}`];
  const writes = bodies.flatMap((payload): AccessRequest[] => [
    { method: 'POST', url: API, payload },
    ...ids.flatMap((id): AccessRequest[] => [
      { method: 'PATCH', url: `${API}/${id}`, payload },
      { method: 'POST', url: `${API}/${id}/merge`, payload },
      { method: 'POST', url: `${API}/${own}/merge`, payload: { ...payload, into: id } },
      { method: 'POST', url: `${API}/${id}/unmerge`, payload },
      { method: 'PATCH', url: `${API}/${own}`, payload: { ...payload, replacedBy: id } },
    ]),
  ]);
  const reads = ids.flatMap((id): AccessRequest[] => [
    { method: 'GET', url: `${API}/${id}` },
    { method: 'GET', url: `${API}/${id}?q=quokka` },
    { method: 'GET', url: `${API}/${id}/eligibility` },
    { method: 'GET', url: PARKED },
    { method: 'POST', url: `${PARKED}/patient.care-relationships/${id}/resend` },
  ]);
  // Last, because it gives a doctor access on purpose. Its response has no data of the patient.
  const emergencies = ids.map(
    (id): AccessRequest => ({ method: 'POST', url: `${API}/${id}/emergency-access`, payload: { reason } }),
  );
  return [
    ...lists,
    ...lookups.map((url): AccessRequest => ({ method: 'GET', url })),
    ...writes,
    ...reads,
    ...emergencies,
  ];
}

it.each(['patient', 'doctor'] as const)('no response to a %s has a text of a foreign record', async (role) => {
  const { app, bus, call, callAs, register, find } = await startPatients();
  const mine = await register(ana);
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    const identifiers = foreign.identifiers.map(({ system, value }) => ({ system, value: `${value}${n}` }));
    ids.push((await register({ ...foreign, identifiers })).id);
  }
  const [absorbed = '', stays = ''] = ids;
  await call('POST', `/${absorbed}/merge`, { into: stays, reason: 'quokka twice' });
  await bus.publish(appointmentEvent('booked', visitOf(mine.id)));
  const doctors = callAs({ id: 'other', role: 'doctor', doctorId: OTHER_DOCTOR_ID });
  await doctors('POST', `/${stays}/emergency-access`, { reason: 'quokka' });
  const cursors = [(await find({ limit: '1' })).nextCursor ?? '', (await find({ limit: '2' })).nextCursor ?? ''];
  const caller: MaybeCaller =
    role === 'patient'
      ? { id: 'x', role, patientIds: [mine.id] }
      : { id: 'x', role, patientIds: [], doctorId: DOCTOR_ID };
  expect(
    await rawResponse(app, NAME, { id: 'desk', role: 'front-desk', patientIds: [] }, { method: 'GET', url: API }),
  ).toMatch(MARK);
  const attempts = attemptsOn(ids, mine.id, cursors);
  expect(attempts.length).toBeGreaterThan(150);
  for (const request of attempts) {
    expect({ request, response: await rawResponse(app, NAME, caller, request) }).toEqual({
      request,
      response: expect.not.stringMatching(MARK),
    });
  }
});
