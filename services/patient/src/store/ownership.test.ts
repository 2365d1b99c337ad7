/** Which patients a caller reaches: by the account, by a visit, by an emergency. */

import { EmergencyAccess, Refusal } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { createParser } from '@daybook/service';
import { beforeEach, describe, expect, it } from 'vitest';
import { ana, appointmentEvent, DOCTOR_ID, doctor, readPage, startPatients, visitOf } from '../testing.ts';
import { sweepRelationships } from './care-relationships.ts';
import { withCandidates } from './duplicates.ts';
import { withHolder } from './identifiers.ts';
import { toColumns } from './patient-row.ts';

const readAccess = createParser(EmergencyAccess);

const OTHER_DOCTOR = { id: 'other', role: 'doctor', doctorId: newId() } as const;
const DAYS_90 = { hours: 90 * 24 };

let patients: Awaited<ReturnType<typeof startPatients>>;
beforeEach(async () => {
  patients = await startPatients();
});

const accountOf = (...patientIds: string[]) => ({ id: 'account', role: 'patient', patientIds }) as const;
const statusFor = async (caller: Parameters<typeof patients.callAs>[0], id: string) =>
  (await patients.callAs(caller)('GET', `/${id}`)).status;
const publish = (...event: Parameters<typeof appointmentEvent>) => patients.bus.publish(appointmentEvent(...event));

describe('an account of a patient', () => {
  it('reads each of its records, and no other', async () => {
    const [mine, child, foreign] = [
      await patients.register(ana),
      await patients.register(ana),
      await patients.register(ana),
    ];
    for (const { id } of [mine, child]) expect(await statusFor(accountOf(mine.id, child.id), id)).toBe(200);
    expect(await statusFor(accountOf(mine.id, child.id), foreign.id)).toBe(404);
    expect(await statusFor(accountOf(), mine.id)).toBe(404);
  });

  it('reads the record that replaced its own while the merge is in force, and changes it only when linked to it', async () => {
    const [old, stays] = [await patients.register(ana), await patients.register(ana)];
    const own = accountOf(old.id);
    expect(await statusFor(own, stays.id)).toBe(404);
    await patients.call('POST', `/${old.id}/merge`, { into: stays.id, reason: 'registered twice' });
    expect(await statusFor(own, stays.id)).toBe(200);
    expect(await statusFor(accountOf(stays.id), old.id)).toBe(404);
    const change = { email: 'ana@example.org' };
    expect(await patients.callAs(own)('PATCH', `/${stays.id}`, change)).toMatchObject({ status: 403 });
    expect(await patients.callAs(accountOf(stays.id))('PATCH', `/${stays.id}`, change)).toMatchObject({ status: 200 });
    await patients.call('POST', `/${old.id}/unmerge`, { reason: 'another person' });
    expect(await statusFor(own, stays.id)).toBe(404);
  });

  it('reads the last record of a chain of merges', async () => {
    const [first, second, last] = [
      await patients.register(ana),
      await patients.register(ana),
      await patients.register(ana),
    ];
    await patients.call('POST', `/${first.id}/merge`, { into: second.id, reason: 'twice' });
    await patients.call('POST', `/${second.id}/merge`, { into: last.id, reason: 'twice' });
    expect(await statusFor(accountOf(first.id), last.id)).toBe(200);
    expect(await statusFor(accountOf(first.id), second.id)).toBe(404);
  });

  it('changes its contacts, and nothing else', async () => {
    const { id } = await patients.register(ana);
    const change = patients.callAs(accountOf(id));
    const contacts = { phone: '+15551234567', email: 'a@example.org', address: { city: 'Boston' }, language: 'pt' };
    expect(await change('PATCH', `/${id}`, contacts)).toMatchObject({ status: 200, body: contacts });
    for (const [member, value] of Object.entries({
      active: false,
      identifiers: [],
      givenName: 'Bea',
      familyName: 'Bond',
      birthDate: '1990-02-02',
      gender: 'other',
    })) {
      expect(await change('PATCH', `/${id}`, { email: 'b@example.org', [member]: value })).toMatchObject({
        status: 403,
        body: {
          code: 'forbidden',
          detail: 'You may change phone, email, address, language only. Ask the front desk to change the rest.',
          errors: [{ pointer: `/${member}` }],
        },
      });
    }
    expect(await patients.read(id)).toMatchObject({ ...ana, ...contacts, version: 2 });
  });
});

describe('a doctor', () => {
  it('reads a patient from the booking until 90 days after the visit', async () => {
    const { id } = await patients.register(ana);
    expect(await statusFor(doctor, id)).toBe(404);
    const visit = visitOf(id);
    await publish('booked', visit);
    expect(await statusFor(doctor, id)).toBe(200);
    expect(await statusFor(OTHER_DOCTOR, id)).toBe(404);
    expect(await statusFor({ id: 'unlinked', role: 'doctor' }, id)).toBe(404);
    const end = Temporal.Instant.from(visit.end).add(DAYS_90);
    patients.time.now = end.subtract({ milliseconds: 1 });
    expect(await statusFor(doctor, id)).toBe(200);
    patients.time.now = end;
    expect(await statusFor(doctor, id)).toBe(404);
  });

  it('reads a patient as long as the latest of several visits permits', async () => {
    const { id } = await patients.register(ana);
    const later = visitOf(id, { end: '2026-06-02T09:30:00.000Z' });
    await publish('booked', later);
    await publish('booked', visitOf(id));
    patients.time.now = Temporal.Instant.from(later.end).add(DAYS_90).subtract({ milliseconds: 1 });
    expect(await statusFor(doctor, id)).toBe(200);
  });

  it('does not read a patient after the only visit was cancelled, until that is undone', async () => {
    const { id } = await patients.register(ana);
    const visit = visitOf(id);
    await publish('booked', visit);
    await publish('cancelled', visit, 2);
    expect(await statusFor(doctor, id)).toBe(404);
    await publish('stepped-back', visit, 3);
    expect(await statusFor(doctor, id)).toBe(200);
  });

  it('reads a patient of another doctor from the move of the visit on, instead of that doctor', async () => {
    const { id } = await patients.register(ana);
    const visit = visitOf(id);
    await publish('booked', visit);
    await publish('rescheduled', { ...visit, doctorId: OTHER_DOCTOR.doctorId }, 2);
    expect([await statusFor(doctor, id), await statusFor(OTHER_DOCTOR, id)]).toEqual([404, 200]);
  });

  it('has the relationships of the newest events, in whatever order and however often they come', async () => {
    const { id } = await patients.register(ana);
    const visit = visitOf(id);
    const events = [
      appointmentEvent('booked', visit),
      appointmentEvent('rescheduled', { ...visit, end: '2026-03-09T09:30:00.000Z' }, 2),
      appointmentEvent('cancelled', { ...visit, end: '2026-03-09T09:30:00.000Z' }, 3),
    ];
    for (const event of [...events.toReversed(), ...events]) await patients.bus.publish(event);
    expect(await statusFor(doctor, id)).toBe(404);
    const rows = await patients.database.read((db) => db.selectFrom('care_relationships').selectAll().execute());
    expect(rows).toMatchObject([{ active: 0, sequence: 3 }]);
  });

  it('reads a merged record and the one that stays, when the visit has moved there', async () => {
    const [old, stays] = [await patients.register(ana), await patients.register(ana)];
    const visit = visitOf(old.id);
    await publish('booked', visit);
    await patients.call('POST', `/${old.id}/merge`, { into: stays.id, reason: 'twice' });
    expect([await statusFor(doctor, old.id), await statusFor(doctor, stays.id)]).toEqual([200, 404]);
    await publish('patient-merged', { ...visit, patientId: stays.id }, 2);
    expect([await statusFor(doctor, old.id), await statusFor(doctor, stays.id)]).toEqual([200, 200]);
  });

  it('finds own patients only, by every search and on every page', async () => {
    const find = patients.callAs(doctor);
    const mine: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      const { id } = await patients.register(ana);
      if (n % 2 === 0) continue;
      mine.push(id);
      await publish('booked', visitOf(id));
      await publish('booked', visitOf(id));
    }
    const everyId = (await patients.find({})).items.map(({ id }) => id).join(',');
    for (const query of [{}, { q: 'ana' }, { birthDate: ana.birthDate }, { q: 'silva ana' }, { id: everyId }]) {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const parameters = new URLSearchParams({ ...query, limit: '2', ...(cursor !== undefined && { cursor }) });
        const { items, nextCursor } = readPage((await find('GET', `?${parameters}`)).body);
        found.push(...items.map(({ id }) => id));
        cursor = nextCursor;
      } while (cursor !== undefined);
      expect(found).toEqual(mine);
    }
    expect((await find('POST', '/search', { q: 'ana' })).body).toMatchObject({ items: mine.map((id) => ({ id })) });
    for (const q of ['bond', '́']) expect((await find('POST', '/search', { q })).body).toEqual({ items: [] });
  });

  it('does not find a merged record, nor patients after their time', async () => {
    const [old, stays] = [await patients.register(ana), await patients.register(ana)];
    for (const { id } of [old, stays]) await publish('booked', visitOf(id));
    await patients.call('POST', `/${old.id}/merge`, { into: stays.id, reason: 'twice' });
    const find = async () => (await patients.callAs(doctor)('GET', '')).body;
    expect(await find()).toMatchObject({ items: [{ id: stays.id }] });
    patients.time.now = Temporal.Instant.from('2026-07-01T00:00:00Z');
    expect(await find()).toEqual({ items: [] });
  });

  it('learns of a refused registration only which own patients it is like, and which own one has the identifier', async () => {
    const identifiers = [{ system: 'urn:mrn', value: 'A-17' }];
    const [foreign, mine] = [await patients.register({ ...ana, identifiers }), await patients.register(ana)];
    await publish('booked', visitOf(mine.id));
    const caller = { ...doctor, patientIds: [] };
    const columns = toColumns({ ...mine, ...ana });
    const { database, time } = patients;
    const taken = new Refusal('possible-duplicate', 'It exists.');
    const alike = await withCandidates(database, caller, time.now, columns, taken);
    expect(alike).toMatchObject({ extras: { candidates: [{ id: mine.id }] } });
    const holder = () =>
      withHolder(database, caller, time.now, { id: mine.id, identifiers }, new Refusal('identifier-taken', 'Taken.'));
    expect(await holder()).toMatchObject({ extras: {} });
    expect(await holder()).not.toHaveProperty('extras.holderId');
    await publish('booked', visitOf(foreign.id));
    expect(await holder()).toMatchObject({ extras: { holderId: foreign.id } });
  });
});

describe('an emergency access', () => {
  const reason = 'unconscious in the waiting room';
  const ask = (id: string, headers = {}) =>
    patients.callAs(doctor)('POST', `/${id}/emergency-access`, { reason }, headers);

  it('lasts 60 minutes, for this doctor and this patient', async () => {
    const [patient, other] = [await patients.register(ana), await patients.register(ana)];
    const response = await ask(patient.id);
    expect(response).toMatchObject({ status: 201, headers: { location: `/api/v1/patients/${patient.id}` } });
    expect(response.body).toEqual({
      id: expect.any(String),
      patientId: patient.id,
      doctorId: DOCTOR_ID,
      start: '2026-03-02T09:00:00.000Z',
      end: '2026-03-02T10:00:00.000Z',
    });
    expect(await statusFor(doctor, patient.id)).toBe(200);
    expect((await patients.callAs(doctor)('GET', '')).body).toMatchObject({ items: [{ id: patient.id }] });
    expect([await statusFor(doctor, other.id), await statusFor(OTHER_DOCTOR, patient.id)]).toEqual([404, 404]);
    patients.time.now = patients.time.now.add({ minutes: 60 });
    expect(await statusFor(doctor, patient.id)).toBe(404);
  });

  it('is stored with its reason and account, and published with ids and times only', async () => {
    const { id } = await patients.register(ana);
    const { body } = await ask(id);
    const [stored] = await patients.database.read((db) => db.selectFrom('emergency_accesses').selectAll().execute());
    expect(stored).toMatchObject({ caller_id: 'noor', reason });
    const event = (await patients.outbox()).at(-1) ?? '';
    expect(event).not.toContain(reason);
    const { id: emergencyAccessId, ...access } = readAccess(body);
    expect(JSON.parse(event)).toMatchObject({
      type: 'daybook.patient.emergency-access.v1',
      subject: emergencyAccessId,
      data: { emergencyAccessId, ...access },
    });
    expect(Object.keys(JSON.parse(event).data).sort()).toEqual(
      ['doctorId', 'emergencyAccessId', 'end', 'patientId', 'start'].sort(),
    );
  });

  it('needs a reason, an existing patient, and an account of a doctor', async () => {
    const { id } = await patients.register(ana);
    const access = (caller: Parameters<typeof patients.callAs>[0], patientId: string, body: object) =>
      patients.callAs(caller)('POST', `/${patientId}/emergency-access`, body);
    for (const body of [{}, { reason: ' ' }]) expect(await access(doctor, id, body)).toMatchObject({ status: 400 });
    expect(await access(doctor, newId(), { reason })).toMatchObject({ status: 404 });
    expect(await access({ id: 'unlinked', role: 'doctor' }, id, { reason })).toMatchObject({ status: 403 });
    for (const role of ['patient', 'front-desk', 'administrator'] as const) {
      expect(await access({ id: role, role, patientIds: [id] }, id, { reason })).toMatchObject({ status: 403 });
    }
    expect(await statusFor(doctor, id)).toBe(404);
  });

  it('to a merged record is one to the record that stays', async () => {
    const [old, stays] = [await patients.register(ana), await patients.register(ana)];
    await patients.call('POST', `/${old.id}/merge`, { into: stays.id, reason: 'twice' });
    expect(await ask(old.id)).toMatchObject({ status: 201, body: { patientId: stays.id } });
    expect([await statusFor(doctor, old.id), await statusFor(doctor, stays.id)]).toEqual([200, 200]);
  });

  it('is granted once for a repeated request', async () => {
    const { id } = await patients.register(ana);
    const headers = { 'idempotency-key': 'one' };
    const first = await ask(id, headers);
    expect((await ask(id, headers)).body).toEqual(first.body);
    const rows = await patients.database.read((db) => db.selectFrom('emergency_accesses').select('id').execute());
    expect(rows).toHaveLength(1);
  });
});

it('a sweep deletes the relationships that have ended, and keeps the emergency accesses', async () => {
  const { id } = await patients.register(ana);
  await publish('booked', visitOf(id));
  await publish('booked', visitOf(id, { end: '2026-09-02T09:30:00.000Z' }));
  await patients.callAs(doctor)('POST', `/${id}/emergency-access`, { reason: 'unconscious' });
  const { database, time } = patients;
  const clock = () => time.now;
  const count = async (table: 'care_relationships' | 'emergency_accesses') =>
    (await database.read((db) => db.selectFrom(table).selectAll().execute())).length;
  expect([await sweepRelationships(database, clock), await count('care_relationships')]).toEqual([0, 3]);
  time.now = Temporal.Instant.from('2026-07-01T00:00:00Z');
  expect([await sweepRelationships(database, clock), await count('care_relationships')]).toEqual([2, 1]);
  expect([await count('emergency_accesses'), await statusFor(doctor, id)]).toEqual([1, 200]);
});

it('an event that cannot be understood is parked, and an administrator lists it', async () => {
  const { id } = await patients.register(ana);
  const bad = { ...appointmentEvent('booked', visitOf(id)) };
  await patients.bus.publish(JSON.parse(JSON.stringify({ ...bad, data: { end: 'soon' } })));
  const response = await patients.app.inject({
    url: '/api/v1/admin/parked-events',
    headers: await patients.administrator(),
  });
  expect(response.json()).toMatchObject({ items: [{ consumer: 'patient.care-relationships', eventId: bad.id }] });
});
