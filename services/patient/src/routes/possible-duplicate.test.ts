import type { NewPatient } from '@daybook/contracts';
import { type Database, storeNoResponse } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { createPatientStore } from '../store/patients.ts';
import type { PatientTables } from '../store/tables.ts';
import { ana, readProblem, startPatients } from '../testing.ts';

const contacts = {
  phone: '+15551234567',
  email: 'ana@example.org',
  identifiers: [{ system: 'mrn', value: 'A-17000' }],
};
const holdersOf = async (database: Database<PatientTables>) =>
  (await database.read((db) => db.selectFrom('name_keys').select('record_count').execute())).map(
    ({ record_count }) => record_count,
  );

const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };

describe('registering a person who is there already', () => {
  it.each<[string, Partial<NewPatient>]>([
    ['as written before', {}],
    ['in another case', { givenName: 'ANA', familyName: 'silva' }],
    ['with accents', { givenName: 'Aná', familyName: 'Sílva' }],
    ['with the names in another order', { givenName: 'Silva', familyName: 'Ana' }],
  ])('is 409 possible-duplicate %s, and stores nothing', async (_, names) => {
    const { call, register, find, outbox } = await startPatients();
    await register(ana);
    const { status, body } = await call('POST', '', { ...ana, ...names });
    expect(status).toBe(409);
    expect(readProblem(body).code).toBe('possible-duplicate');
    expect((await find({})).items).toHaveLength(1);
    expect(await outbox()).toHaveLength(1);
  });

  it.each([
    ['O’Brien', 'OBrien'],
    ['OBrien', "O'Brien"],
    ['O’Brien', 'O Brien'],
    ['Lee-Park', 'LeePark'],
    ['LeePark', 'Lee Park'],
    ['Lee-Park', 'Lee\u2011Park'],
    ['d’Arc Lee-Park', 'DArc Lee Park'],
  ])('is 409 possible-duplicate for %s as for %s', async (familyName, another) => {
    const { call, register } = await startPatients();
    const { id } = await register({ ...ana, familyName });
    const { status, body } = await call('POST', '', { ...ana, familyName: another });
    expect(status).toBe(409);
    expect(readProblem(body)).toMatchObject({ code: 'possible-duplicate', candidates: [{ id, familyName }] });
  });

  it('names the records that it is like, with what a desk needs to distinguish people', async () => {
    const { call, register } = await startPatients();
    const first = await register({ ...ana, ...contacts });
    const second = await register(ana);
    const { body } = await call('POST', '', ana);
    expect(readProblem(body).candidates).toEqual([
      { id: first.id, ...ana, phoneEnding: '4567', identifierEndings: ['7000'] },
      { id: second.id, ...ana },
    ]);
    expect(JSON.stringify(body)).not.toContain('example.org');
  });

  it('names five records at most', async () => {
    const { call, register } = await startPatients();
    for (let count = 0; count < 7; count += 1) await register(ana);
    expect(readProblem((await call('POST', '', ana)).body).candidates).toHaveLength(5);
  });

  it('names no records to a service, which cannot compare them with a person', async () => {
    const { database, time, register } = await startPatients();
    await register(ana);
    const store = createPatientStore(database, () => time.now);
    const registering = store.register({ id: 'identity-service', role: 'service', patientIds: [] }, ana, write);
    await expect(registering).rejects.toMatchObject({ code: 'possible-duplicate', extras: {} });
  });

  it('registers another person where that is confirmed, and does not store the confirmation', async () => {
    const { call, register, read } = await startPatients();
    await register(ana);
    const { status, body, headers } = await call('POST', '', { ...ana, confirmedNew: true });
    expect(status).toBe(201);
    expect(body).not.toHaveProperty('confirmedNew');
    const id = String(headers.location).split('/').at(-1) ?? '';
    expect(await read(id)).toEqual(body);
    expect(await call('POST', '', { ...ana, confirmedNew: false })).toMatchObject({ status: 409 });
  });

  it('names to staff the patient with an identifier that is taken, and to no service', async () => {
    const { call, register, database, time } = await startPatients();
    const { identifiers } = contacts;
    const { id: holderId } = await register({ ...ana, identifiers });
    const spelled = [
      { system: 'mrn', value: 'B-2' },
      { system: 'mrn', value: 'a-17000' },
    ];
    const bea = { ...ana, givenName: 'Bea', identifiers: spelled };
    const taken = { status: 409, body: { code: 'identifier-taken', holderId } };
    expect(await call('POST', '', bea)).toMatchObject(taken);
    const { id } = await register({ ...ana, identifiers: [{ system: 'mrn', value: 'B-2' }] });
    expect(await call('PATCH', `/${id}`, { identifiers: spelled })).toMatchObject(taken);
    const store = createPatientStore(database, () => time.now);
    const registering = store.register(
      { id: 'identity-service', role: 'service', patientIds: [] },
      { ...ana, identifiers },
      write,
    );
    await expect(registering).rejects.toMatchObject({ code: 'identifier-taken', extras: {} });
  });

  it('is refused for an identifier that is taken before it is for names', async () => {
    const { call, register } = await startPatients();
    await register({ ...ana, ...contacts });
    const again = await call('POST', '', { ...ana, ...contacts });
    expect(again).toMatchObject({ status: 409, body: { code: 'identifier-taken' } });
  });

  it.each<[string, Partial<NewPatient>]>([
    ['another birth date', { birthDate: '1990-02-02' }],
    ['another name', { givenName: 'Anna' }],
  ])('is another person with %s', async (_, other) => {
    const { call, register } = await startPatients();
    await register(ana);
    expect(await call('POST', '', { ...ana, ...other })).toMatchObject({ status: 201 });
  });

  it('is refused again with the same response for the same Idempotency-Key', async () => {
    const { call, register } = await startPatients();
    await register(ana);
    const key = { 'idempotency-key': 'one' };
    const first = await call('POST', '', ana, key);
    const again = await call('POST', '', ana, key);
    expect([again.status, again.body]).toEqual([409, first.body]);
  });

  it('registers a person for one of many simultaneous requests', async () => {
    const { call, find } = await startPatients();
    const responses = await Promise.all(Array.from({ length: 10 }, () => call('POST', '', ana)));
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
    for (const { status, body } of responses) {
      if (status === 409) expect(readProblem(body).candidates).toHaveLength(1);
    }
    expect((await find({})).items).toHaveLength(1);
  });

  it('counts every one of many simultaneous confirmed registrations', async () => {
    const { call, database } = await startPatients();
    const confirmed = { ...ana, confirmedNew: true };
    const responses = await Promise.all(Array.from({ length: 8 }, () => call('POST', '', confirmed)));
    expect(responses.map(({ status }) => status)).toEqual(Array<number>(8).fill(201));
    expect(await holdersOf(database)).toEqual([8]);
  });
});

describe('changing a name', () => {
  it('is not refused where it makes two records alike: a correction has to be possible, and they can be merged', async () => {
    const { call, register } = await startPatients();
    await register(ana);
    const { id } = await register({ ...ana, givenName: 'Anna' });
    expect(await call('PATCH', `/${id}`, { givenName: 'Ana' })).toMatchObject({ status: 200 });
    expect(readProblem((await call('POST', '', ana)).body).candidates).toHaveLength(2);
  });

  it('leaves the old name to others, once no record has it', async () => {
    const { call, register } = await startPatients();
    const [first, second] = [await register(ana), await register(ana)];
    await call('PATCH', `/${first.id}`, { givenName: 'Anna' });
    expect(await call('POST', '', ana)).toMatchObject({ status: 409 });
    await call('PATCH', `/${second.id}`, { birthDate: '1990-02-03' });
    expect(await call('POST', '', ana)).toMatchObject({ status: 201 });
  });

  it('to the same name and back by many simultaneously leaves every record counted', async () => {
    const { call, register, database } = await startPatients();
    const ids = await Promise.all(Array.from({ length: 6 }, async () => (await register(ana)).id));
    await Promise.all(ids.map((id) => call('PATCH', `/${id}`, { givenName: 'Anna' })));
    await Promise.all(ids.map((id, n) => call('PATCH', `/${id}`, { givenName: n % 2 === 0 ? 'Ana' : 'Anna' })));
    expect(await holdersOf(database)).toEqual([3, 3]);
  });

  it('leaves both spellings to others, once no record has them', async () => {
    const { call, register, database } = await startPatients();
    const leePark = { ...ana, familyName: 'Lee-Park' };
    const { id } = await register(leePark);
    await call('PATCH', `/${id}`, { familyName: 'LeePark' });
    expect(await holdersOf(database)).toEqual([1]);
    await call('PATCH', `/${id}`, { familyName: 'Lee Park' });
    expect(await holdersOf(database)).toEqual([1, 1]);
    await call('PATCH', `/${id}`, { familyName: 'Lee' });
    expect(await holdersOf(database)).toEqual([1]);
    expect(await call('POST', '', leePark)).toMatchObject({ status: 201 });
  });

  it('between spellings by many simultaneously leaves every record counted', async () => {
    const { call, register, database } = await startPatients();
    const ids = await Promise.all(Array.from({ length: 6 }, async () => (await register(ana)).id));
    for (const familyName of ['Lee-Park', 'LeePark', 'Park Lee', 'Lee Park']) {
      const responses = await Promise.all(
        ids.map((id, n) => call('PATCH', `/${id}`, { familyName: n % 2 === 0 ? familyName : 'LeePark' })),
      );
      expect(responses.map(({ status }) => status)).toEqual(ids.map(() => 200));
    }
    // Six records have LeePark as one word, and three of these have Lee and Park as two.
    expect((await holdersOf(database)).sort()).toEqual([3, 6]);
  });
});
