import { authorizationOf } from '@daybook/service/testing';
import { describe, expect, it } from 'vitest';
import { NAME } from '../app.ts';
import { MAX_MERGED } from '../store/merged-records.ts';
import { createMergeStore } from '../store/merges.ts';
import { ana, bookingService, readProblem, startPatients } from '../testing.ts';

const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000';
const anna = { ...ana, givenName: 'Anna', identifiers: [{ system: 'mrn', value: 'OLD-1' }], phone: '+15551234567' };
const reason = 'registered twice';

/** Registers records of one person, the first of which stays in most tests. */
async function startRecords(count = 2) {
  const patients = await startPatients();
  const { call, register } = patients;
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await register(ana)).id);
  return {
    ...patients,
    ids,
    merge: (id = '', into = '', headers = {}) => call('POST', `/${id}/merge`, { into, reason }, headers),
    unmerge: (id = '', headers = {}) => call('POST', `/${id}/unmerge`, { reason: 'another person' }, headers),
    leadsTo: async (id = '') => (await patients.read(id)).replacedBy,
    events: async () =>
      (await patients.outbox())
        .map((event) => JSON.parse(event))
        .map(({ type, subject, sequence, data }) => ({ type, subject, sequence, data })),
  };
}

describe('merging two records', () => {
  it('keeps the old id readable, not active and with the record that stays', async () => {
    const { ids, merge, read } = await startRecords();
    const [stays = '', old = ''] = ids;
    const { status, headers, body } = await merge(old, stays);
    expect({ status, etag: headers.etag }).toEqual({ status: 200, etag: '"2"' });
    expect(body).toMatchObject({ id: old, active: false, replacedBy: stays, version: 2 });
    expect(await read(old)).toEqual(body);
    const survivor = await read(stays);
    expect(survivor).toMatchObject({ active: true, version: 1 });
    expect(survivor).not.toHaveProperty('replacedBy');
  });

  it('is published as an event with ids only', async () => {
    const { ids, merge, events, outbox } = await startRecords();
    const [stays = '', old = ''] = ids;
    await merge(old, stays);
    expect((await events()).at(-1)).toEqual({
      type: 'daybook.patient.merged.v1',
      subject: old,
      sequence: 2,
      data: { patientId: old, into: stays },
    });
    expect((await outbox()).join()).not.toContain(reason);
  });

  it('is stored with its caller, time and reason', async () => {
    const { ids, merge, unmerge, database } = await startRecords();
    const [stays = '', old = ''] = ids;
    await merge(old, stays);
    await unmerge(old);
    const rows = await database.read((db) =>
      db.selectFrom('patient_merge_history').select('entry').orderBy('version').execute(),
    );
    const by = { id: 'administrator', role: 'administrator' };
    expect(rows.map(({ entry }) => JSON.parse(entry))).toEqual([
      { at: '2026-03-02T09:00:00.000Z', by, action: 'merged', into: stays, reason },
      { at: '2026-03-02T09:00:00.000Z', by, action: 'unmerged', into: stays, reason: 'another person' },
    ]);
  });

  it('lets searches show the record that stays, by what both were found by', async () => {
    const { call, register, find, merge } = await startRecords(0);
    const stays = await register(ana);
    const old = await register(anna);
    await merge(old.id, stays.id);
    for (const q of ['ana', 'anna', 'OLD-1', '+15551234567', 'silva']) {
      expect((await find({ q })).items.map(({ id }) => id)).toEqual([stays.id]);
    }
    expect((await find({})).items.map(({ id }) => id)).toEqual([stays.id]);
    await call('PATCH', `/${stays.id}`, { givenName: 'Bea' });
    expect((await find({ q: 'OLD-1' })).items.map(({ id }) => id)).toEqual([stays.id]);
    expect((await find({ q: 'ana' })).items).toEqual([]);
  });

  it('keeps the identifiers of the old record: no other record gets them', async () => {
    const { call, register, merge } = await startRecords(0);
    const stays = await register(ana);
    const old = await register(anna);
    await merge(old.id, stays.id);
    const other = { ...ana, givenName: 'Bea', identifiers: anna.identifiers };
    expect(await call('POST', '', other)).toMatchObject({ status: 409, body: { code: 'identifier-taken' } });
  });

  it('names the merge where the record that stays is to get an identifier of the old one', async () => {
    const { call, register, merge, find } = await startRecords(0);
    const stays = await register(ana);
    const old = await register(anna);
    const { identifiers } = anna;
    const before = await call('PATCH', `/${stays.id}`, { identifiers });
    expect(before).toMatchObject({ status: 409, body: { detail: 'Another patient has one of these identifiers.' } });
    await merge(old.id, stays.id);
    const refused = await call('PATCH', `/${stays.id}`, { identifiers });
    expect(refused).toMatchObject({ status: 409, body: { code: 'identifier-taken', holderId: old.id } });
    expect(readProblem(refused.body).detail).toMatch(/merged into this one .* finds this one/);
    expect((await find({ q: 'OLD-1' })).items.map(({ id }) => id)).toEqual([stays.id]);
  });

  it('lets a request for ids return the old record with the one that stays, and no other search', async () => {
    const { ids, merge, find } = await startRecords(3);
    const [stays = '', old = '', other = ''] = ids;
    await merge(old, stays);
    const listed = async (query: Record<string, string>) =>
      (await find(query)).items.map(({ id, active, replacedBy }) => ({ id, active, replacedBy }));
    const live = [stays, other].map((id) => ({ id, active: true, replacedBy: undefined }));
    const merged = { id: old, active: false, replacedBy: stays };
    expect(await listed({ id: old })).toEqual([merged]);
    expect(await listed({ id: ids.join() })).toEqual([live[0], merged, live[1]]);
    expect(await listed({ id: ids.join(), limit: '2' })).toEqual([live[0], merged]);
    expect(await listed({ id: ids.join(), birthDate: ana.birthDate })).toEqual(live);
    expect(await listed({ id: ids.join(), q: 'ana' })).toEqual(live);
    expect(await listed({})).toEqual(live);
  });

  it('still warns of a duplicate by the old names, and names the record that stays', async () => {
    const { call, register, merge } = await startRecords(0);
    const stays = await register(ana);
    const old = await register(anna);
    await merge(old.id, stays.id);
    const { givenName, familyName, birthDate } = anna;
    expect(await call('POST', '', { givenName, familyName, birthDate })).toMatchObject({
      status: 409,
      body: { code: 'possible-duplicate', candidates: [{ id: stays.id, givenName: 'Ana' }] },
    });
  });

  it('lets no caller change the old record', async () => {
    const { ids, merge, call, read } = await startRecords();
    const [stays = '', old = ''] = ids;
    await merge(old, stays);
    const before = await read(old);
    const refused = { status: 409, body: { code: 'patient-replaced' } };
    expect(await call('PATCH', `/${old}`, { active: true })).toMatchObject(refused);
    expect(await read(old)).toEqual(before);
  });

  it('refuses a record that is merged already, on either side', async () => {
    const { ids, merge } = await startRecords(3);
    const [stays, old, third] = ids;
    await merge(old, stays);
    const refused = { status: 409, body: { code: 'patient-replaced' } };
    expect(await merge(old, third)).toMatchObject(refused);
    expect(await merge(third, old)).toMatchObject(refused);
    expect(await merge(stays, old)).toMatchObject(refused);
  });

  it('leads every old id to the record that stays, also those that were merged before', async () => {
    const { ids, merge, leadsTo, events, read, find } = await startRecords(4);
    const [a = '', b = '', c = '', d = ''] = ids;
    await merge(a, b);
    await merge(b, c);
    await merge(c, d);
    for (const id of [a, b, c]) expect(await leadsTo(id)).toBe(d);
    expect((await find({ q: 'ana' })).items.map(({ id }) => id)).toEqual([d]);
    // Each merge above `a` changed the record that its id leads to.
    expect(await read(a)).toMatchObject({ version: 4 });
    expect(
      (await events()).filter(({ subject }) => subject === a).map(({ type, sequence }) => [type, sequence]),
    ).toEqual([
      ['daybook.patient.registered.v1', 1],
      ['daybook.patient.merged.v1', 2],
      ['daybook.patient.updated.v1', 3],
      ['daybook.patient.updated.v1', 4],
    ]);
  });

  it('refuses one record for both, one that is not there, and a request without a reason', async () => {
    const { ids, merge, call } = await startRecords();
    const [stays = '', old = ''] = ids;
    expect(await merge(old, old.toUpperCase())).toMatchObject({ status: 422, body: { code: 'same-patient' } });
    expect(await merge(old, UNKNOWN_ID)).toMatchObject({ status: 422, body: { code: 'patient-not-found' } });
    expect(await merge(UNKNOWN_ID, stays)).toMatchObject({ status: 404 });
    expect(await call('POST', `/${old}/merge`, { into: stays })).toMatchObject({ status: 400 });
    expect(await call('POST', `/${old}/merge`, { into: stays, reason: ' ' })).toMatchObject({ status: 400 });
  });

  it('is refused when the record changed since it was read', async () => {
    const { ids, merge, call } = await startRecords();
    const [stays, old] = ids;
    await call('PATCH', `/${old}`, { gender: 'female' });
    expect(await merge(old, stays, { 'if-match': '"1"' })).toMatchObject({ status: 412 });
    expect(await merge(old, stays, { 'if-match': '"2"' })).toMatchObject({ status: 200 });
  });

  it('replays the first response to a retry with the same Idempotency-Key', async () => {
    const { ids, merge } = await startRecords();
    const [stays, old] = ids;
    const first = await merge(old, stays, { 'idempotency-key': 'one' });
    const again = await merge(old, stays, { 'idempotency-key': 'one' });
    expect([again.status, again.body]).toEqual([200, first.body]);
  });

  it('is for the front desk and administrators; undoing it for administrators', async () => {
    const { ids, database, time } = await startRecords();
    const [stays = '', old = ''] = ids;
    const store = createMergeStore(database, () => time.now);
    const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
    for (const role of ['patient', 'doctor', 'service'] as const) {
      const merging = store.merge({ id: 'x', role, patientIds: [] }, old, { into: stays, reason }, write);
      await expect(merging).rejects.toMatchObject({ code: 'forbidden' });
    }
    await store.merge({ id: 'x', role: 'front-desk', patientIds: [] }, old, { into: stays, reason }, write);
    for (const role of ['patient', 'doctor', 'front-desk', 'service'] as const) {
      await expect(store.unmerge({ id: 'x', role, patientIds: [] }, old, { reason }, write)).rejects.toMatchObject({
        code: 'forbidden',
      });
    }
  });

  it('is bounded', async () => {
    const { ids, merge } = await startRecords(MAX_MERGED + 2);
    const [stays, ...others] = ids;
    for (const id of others.slice(0, MAX_MERGED)) expect(await merge(id, stays)).toMatchObject({ status: 200 });
    expect(await merge(others.at(-1), stays)).toMatchObject({ status: 409, body: { code: 'too-many-merged' } });
  });
});

describe('undoing a merge', () => {
  it('gives the record back as it was', async () => {
    const { register, merge, unmerge, read, find, events } = await startRecords(0);
    const stays = await register(ana);
    const old = await register({ ...anna, active: false });
    await merge(old.id, stays.id);
    expect(await unmerge(old.id)).toMatchObject({ status: 200, headers: { etag: '"3"' } });
    expect(await read(old.id)).toEqual({ ...old, version: 3 });
    expect((await find({ q: 'OLD-1' })).items.map(({ id }) => id)).toEqual([old.id]);
    expect((await find({ q: 'silva' })).items.map(({ id }) => id)).toEqual([stays.id, old.id]);
    expect((await events()).at(-1)).toEqual({
      type: 'daybook.patient.unmerged.v1',
      subject: old.id,
      sequence: 3,
      data: { patientId: old.id, into: stays.id },
    });
  });

  it('takes with it what was merged into the record before', async () => {
    const { ids, merge, unmerge, leadsTo, find } = await startRecords(3);
    const [a = '', b = '', c = ''] = ids;
    await merge(a, b);
    await merge(b, c);
    await unmerge(b);
    expect([await leadsTo(a), await leadsTo(b), await leadsTo(c)]).toEqual([b, undefined, undefined]);
    expect((await find({ q: 'ana' })).items.map(({ id }) => id)).toEqual([b, c]);
  });

  it('of a record in the middle of others leaves those above it merged', async () => {
    const { ids, merge, unmerge, leadsTo } = await startRecords(3);
    const [a = '', b = '', c = ''] = ids;
    await merge(a, b);
    await merge(b, c);
    await unmerge(a);
    expect([await leadsTo(a), await leadsTo(b)]).toEqual([undefined, c]);
    expect(await merge(c, a)).toMatchObject({ status: 200 });
    expect([await leadsTo(b), await leadsTo(c)]).toEqual([a, a]);
  });

  it('is refused for a record that is not merged, or not there', async () => {
    const { ids, unmerge } = await startRecords(1);
    expect(await unmerge(ids[0])).toMatchObject({ status: 409, body: { code: 'not-merged' } });
    expect(await unmerge(UNKNOWN_ID)).toMatchObject({ status: 404 });
  });
});

describe('merges that race', () => {
  it('of two records into each other: one is done, and there is no circle', async () => {
    const { ids, merge, leadsTo } = await startRecords();
    const [a, b] = ids;
    const responses = await Promise.all([merge(a, b), merge(b, a)]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect([await leadsTo(a), await leadsTo(b)].filter((id) => id !== undefined)).toHaveLength(1);
  });

  it('of many in all directions, and undone at the same time: every id leads to a record that stays', async () => {
    const { ids, merge, unmerge, leadsTo } = await startRecords(6);
    for (let round = 0; round < 3; round += 1) {
      await Promise.all([
        ...ids.map((id, n) => merge(id, ids[(n + 1 + round) % ids.length])),
        ...ids.map((id) => unmerge(id)),
      ]);
      for (const id of ids) {
        const root = await leadsTo(id);
        if (root !== undefined) expect(await leadsTo(root)).toBeUndefined();
      }
    }
  });
});

describe('what services read of a patient', () => {
  it('is the id, whether there can be appointments, the version, and what replaces it', async () => {
    const { ids, merge, callAs } = await startRecords();
    const call = callAs(bookingService);
    const [stays = '', old = ''] = ids;
    const service = { id: 'appointment-service', role: 'service', scope: ['getPatientEligibility'] } as const;
    const headers = await authorizationOf(service, NAME);
    const eligibility = (id: string) => call('GET', `/${id}/eligibility`, undefined, headers);
    expect(await eligibility(old)).toMatchObject({ status: 200, headers: { etag: '"1"' } });
    expect((await eligibility(old)).body).toEqual({ id: old, active: true, version: 1 });
    await merge(old, stays);
    const body = { id: old, active: false, version: 2, replacedBy: stays };
    expect((await eligibility(old)).body).toEqual(body);
    expect(await eligibility(UNKNOWN_ID)).toMatchObject({ status: 404 });
  });
});
