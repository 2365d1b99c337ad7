/** Queries among many patients use an index, as the plans of the present database show. */
import { nameTerms } from '@daybook/contracts';
import { idFromBytes, idToBytes, newId, storeNoResponse } from '@daybook/database';
import { openObserved } from '@daybook/database/testing/query-plans';
import { expect, it } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { sweepRelationships } from './care-relationships.ts';
import { createPatientStore } from './patients.ts';
import type { PatientRow, PatientTables } from './tables.ts';

const PATIENTS = 4000;
const staff = { id: 'somebody', role: 'front-desk', patientIds: [] } as const;
const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };
const clock = () => Temporal.Now.instant();

const nameOf = (index: number) => ({ given: `given${index % 90}`, family: `family${index % 700}` });

const rows = Array.from(
  { length: PATIENTS },
  (_, index): PatientRow => ({
    id: idToBytes(newId()),
    given_name: nameOf(index).given,
    family_name: nameOf(index).family,
    birth_date: Temporal.PlainDate.from('1950-01-01')
      .add({ days: index * 5 })
      .toString(),
    name_key: idToBytes(newId()),
    joined_name_key: idToBytes(newId()),
    active: 1,
    replaced_by: null,
    erased_at: null,
    erasure_basis: null,
    details: '{}',
    version: 1,
    created_at: 0,
    updated_at: 0,
  }),
);

async function openPatients() {
  const opened = await openObserved<PatientTables>(migrations);
  await opened.database.write(async (tx) => {
    for (let from = 0; from < PATIENTS; from += 500) {
      const some = rows.slice(from, from + 500);
      const terms = some.flatMap(({ given_name, family_name, id }) =>
        nameTerms(given_name ?? '', family_name).map((term) => ({ term, resource_id: id })),
      );
      await tx.insertInto('patients').values(some).execute();
      await tx.insertInto('search_terms').values(terms).execute();
      const identifiers = some.map(({ id }, index) => ({
        system: 'card',
        value_key: `${from + index}`,
        patient_id: id,
      }));
      await tx.insertInto('patient_identifiers').values(identifiers).execute();
    }
  });
  await opened.analyze();
  return { ...opened, store: createPatientStore(opened.observed, clock) };
}

/** The list of all patients reads along the ids and skips the few merged and erased records until it has enough. */
const LIST_OF_ALL = /where .replaced_by. is null and .erased_at. is null (and .id. > \? )?order by .id. limit \?: /;
const faultsBut = (faults: readonly string[]) => faults.filter((fault) => !LIST_OF_ALL.test(fault));

/** Patients are returned in the order of their ids. Few matches are sorted; many are read along the ids. */
const BY_ID = /filesort|TEMP B-TREE|SCAN (found|matching|page)/;

it('no list of patients and no read of one reads all that there are, or sorts them', async () => {
  const { store, count, faults } = await openPatients();
  for (const query of [{}, { birthDate: '1950-01-06' }]) {
    await store.search(staff, { ...query, limit: 2 });
    await store.search(staff, {
      ...query,
      limit: 2,
      cursor: (await store.search(staff, { limit: 1 })).nextCursor ?? '',
    });
  }
  const patient = await store.register(
    staff,
    { givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01' },
    write,
  );
  await store.find(staff, patient.id);
  await store.search(staff, { id: patient.id });
  await store.change(staff, patient.id, { identifiers: [{ system: 'card', value: 'new' }] }, write);
  expect(count()).toBeGreaterThan(8);
  expect(faultsBut(await faults())).toEqual([]);
});

it('a registration that is refused looks up the records with the names and the identifiers, and no others', async () => {
  const { store, count, faults } = await openPatients();
  const ana = { givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01' };
  await store.register(staff, { ...ana, identifiers: [{ system: 'card', value: 'new' }] }, write);
  const before = count();
  const alike = store.register(staff, ana, write);
  await expect(alike).rejects.toMatchObject({ extras: { candidates: [{ familyName: 'Silva' }] } });
  const identifiers = ['new', 'newer'].map((value) => ({ system: 'card', value }));
  const taken = store.register(staff, { ...ana, identifiers }, write);
  await expect(taken).rejects.toMatchObject({ extras: { holderId: expect.any(String) } });
  expect(count()).toBeGreaterThan(before + 2);
  expect(await faults(BY_ID)).toEqual([]);
});

it('a search by name reads what the name matches, and not all patients', async () => {
  const { store, count, faults } = await openPatients();
  const cursor = (await store.search(staff, { limit: 1 })).nextCursor ?? '';
  for (const query of [
    { q: 'family77' },
    { q: 'fam' },
    { q: 'given1 family1' },
    { q: 'family1', birthDate: '1950-01-06' },
  ]) {
    await store.search(staff, query);
    await store.search(staff, { ...query, cursor });
  }
  expect(count()).toBeGreaterThan(3);
  expect(faultsBut(await faults(BY_ID))).toEqual([]);
});

it('an account of 50 patients reads its records by their keys, also the record that replaced one', async () => {
  const { database, store, count, faults } = await openPatients();
  const ids = rows.slice(0, 50).map(({ id }) => idFromBytes(id));
  const account = { id: 'account', role: 'patient', patientIds: ids } as const;
  const stays = idFromBytes(rows[60]?.id ?? new Uint8Array());
  const [absorbed = ''] = ids;
  await database.write((tx) =>
    tx
      .updateTable('patients')
      .set({ replaced_by: idToBytes(stays) })
      .where('id', '=', idToBytes(absorbed))
      .execute(),
  );
  for (const id of [...ids.slice(0, 3), stays]) expect(await store.find(account, id)).toMatchObject({ id });
  expect(await store.find(account, idFromBytes(rows[61]?.id ?? new Uint8Array()))).toBeUndefined();
  await store.change(account, ids[1] ?? '', { email: 'a@example.org' }, write);
  expect(count()).toBeGreaterThan(5);
  expect(await faults()).toEqual([]);
});

it('a doctor of 5,000 visits reads and finds own patients along the relationships, and not all patients', async () => {
  const { database, observed, analyze, store, count, faults } = await openPatients();
  const doctorId = newId();
  const relationships = Array.from({ length: 10_000 }, (_, n) => ({
    source_id: idToBytes(newId()),
    doctor_id: idToBytes(n % 2 === 0 ? doctorId : newId()),
    patient_id: rows[n % 3000]?.id ?? new Uint8Array(),
    active: n % 100 === 4 ? 0 : 1,
    ends_at: clock().add({ hours: 24 }).epochMilliseconds,
    sequence: 1,
  }));
  await database.write(async (tx) => {
    for (let from = 0; from < relationships.length; from += 500) {
      await tx
        .insertInto('care_relationships')
        .values(relationships.slice(from, from + 500))
        .execute();
    }
  });
  await analyze();
  const doctor = { id: 'doctor', role: 'doctor', patientIds: [], doctorId } as const;
  const [own = '', foreign = ''] = [0, 3999].map((n) => idFromBytes(rows[n]?.id ?? new Uint8Array()));
  expect(await store.find(doctor, own)).toMatchObject({ id: own });
  expect(await store.find(doctor, foreign)).toBeUndefined();
  for (const query of [
    {},
    { q: 'family4' },
    { q: 'given1 family1' },
    { birthDate: '1950-01-06' },
    { id: `${own},${foreign}` },
    { id: `${own},${foreign}`, q: 'given' },
  ]) {
    const first = await store.search(doctor, { ...query, limit: 2 });
    if (first.nextCursor !== undefined) await store.search(doctor, { ...query, limit: 2, cursor: first.nextCursor });
  }
  expect((await store.search(doctor, {})).items).toHaveLength(20);
  await sweepRelationships(observed, clock);
  expect(count()).toBeGreaterThan(8);
  expect(await faults(BY_ID)).toEqual([]);
});
