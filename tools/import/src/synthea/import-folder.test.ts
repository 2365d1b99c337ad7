import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectData } from '@daybook/client';
import { instantText } from '@daybook/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, createApi } from '../api.ts';
import { Progress } from '../progress.ts';
import { formatReport } from '../report.ts';
import { startSystem, writeFolder } from '../testing.ts';
import { importFolder } from './import-folder.ts';
import { PATIENT_SYSTEM } from './rows.ts';

/** Times of New York: 14:00Z is 09:00 in January. */
const FIXTURE = {
  providers: [
    'd1,Víctor493 Noriega353,GENERAL PRACTICE,MA',
    'd2,Zoë Xu,CLINICAL PSYCHOLOGIST,California',
    'd3,Ana Silva,GENERAL PRACTICE,MA',
    // Another doctor with equal fields in the API.
    'd4,Ana Silva,GENERAL PRACTICE,MA',
    'd5,Cher,GENERAL PRACTICE,MA',
    'd6,Karl Huber,GENERAL PRACTICE,Bayern',
  ],
  patients: [
    'p1,Maynard46,Mosciski958,2014-10-06,,M,784 Stamm Lock,Somerville,Massachusetts,02155',
    'p2,Núria7,Ñandú,1990-02-01,,F,,,,',
    'p3,Late,Person,1930-01-01,2020-05-05,F,1 Elm St,Lynn,MA,',
    'p4,Bad,Date,1990-02-30,,F,,,,',
    'p5,Too,Few',
  ],
  encounters: [
    'e01,2024-01-08T14:02:10Z,2024-01-08T14:17:10Z,p1,d1',
    // At night, at the same time of the same pair 52 weeks later, with the doctor busy, with the patient busy.
    'e02,2024-01-09T04:00:00Z,2024-01-09T04:15:00Z,p1,d1',
    'e03,2025-01-06T14:02:10Z,2025-01-06T14:17:10Z,p1,d1',
    'e04,2024-01-08T14:10:00Z,2024-01-08T14:25:00Z,p2,d1',
    'e05,2024-01-08T14:10:00Z,2024-01-08T14:25:00Z,p1,d3',
    'e06,2024-01-08T14:10:00Z,2024-01-08T14:25:00Z,p2,d3',
    'e07,2024-01-08T14:10:00Z,2024-01-08T14:25:00Z,p2,d4',
    'e08,2024-01-08T16:00:00Z,2024-01-08T17:01:00Z,p2,d4',
    'e09,2024-01-10T14:00:00Z,2024-01-10T14:15:00Z,p3,d1',
    'e10,2024-01-08T18:00:00Z,2024-01-12T18:00:00Z,p1,d1',
    'e11,2024-01-11T14:00:00Z,2024-01-11T14:15:00Z,p9,d1',
    'e12,2024-01-11T14:00:00Z,2024-01-11T14:15:00Z,p1,d6',
    'e13,2024-01-11T14:00:00Z,,p1,d1',
    'e14,2024-01-11T18:00:00Z,2024-01-11T18:00:00Z,p2,d2',
  ],
};

const TABLE = ['doctors 6 4 0 0 2', 'patients 5 3 0 0 2', 'appointments 14 4 0 7 3'];

const REFUSALS = {
  'patient-busy': 2,
  'slot-taken': 2,
  'outside-availability': 1,
  'patient-inactive': 1,
  'invalid-request': 1,
};

/** One instant for all runs, because a run after midnight would plan for another window. */
const now = Temporal.Now.instant();

let folder: string;
let system: Awaited<ReturnType<typeof startSystem>>;
let api: Api;
let screenText = '';

async function bring(name = 'synthea') {
  // The clock stands still, so no progress line is printed.
  const progress = new Progress({ write: (text) => (screenText += text) }, () => 0);
  return importFolder({ folder: join(folder, name), api, progress, now });
}

/** Returns everything that the import could change, versions included. */
async function everything() {
  const { client, list } = api;
  const limit = 100;
  const doctors = await list((cursor) => client.GET('/api/v1/doctors', { params: { query: { limit, ...cursor } } }));
  const patients = await list((cursor) => client.GET('/api/v1/patients', { params: { query: { limit, ...cursor } } }));
  const types = await list((cursor) =>
    client.GET('/api/v1/appointment-types', { params: { query: { limit, ...cursor } } }),
  );
  const appointments = await list((cursor) =>
    client.GET('/api/v1/appointments', { params: { query: { limit, ...cursor } } }),
  );
  return { doctors, patients, types, appointments };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daybook-import-'));
  await writeFolder(join(folder, 'synthea'), FIXTURE);
  system = await startSystem(join(folder, 'data'));
  api = createApi({ url: system.url, token: () => system.tokenFor({ role: 'administrator' }) });
}, 30_000);

afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true });
}, 30_000);

test('a folder is brought in; what cannot be is counted, and listed by line and reason, with nothing of the row', async () => {
  const report = await bring();
  expect(Object.fromEntries(report.appointments.refused)).toEqual(REFUSALS);
  const table = formatReport(report).replaceAll(/ +/g, ' ').split('\n');
  expect(table).toEqual(expect.arrayContaining(TABLE));
  expect(screenText.trimEnd().split('\n').sort()).toEqual([
    'encounters.csv, line 10: rejected, patient-inactive: The patient is not active.',
    'encounters.csv, line 11: rejected, invalid-request: /durationMinutes must be <= 1440',
    'encounters.csv, line 12: PATIENT is not one of the imported patients',
    'encounters.csv, line 13: PROVIDER is not one of the imported doctors',
    'encounters.csv, line 14: STOP is empty',
    'encounters.csv, line 3: rejected, outside-availability: The doctor does not work then.',
    'encounters.csv, line 4: rejected, slot-taken: That time is taken.',
    'encounters.csv, line 5: rejected, slot-taken: That time is taken.',
    'encounters.csv, line 6: rejected, patient-busy: The patient has another appointment then.',
    'encounters.csv, line 8: rejected, patient-busy: The patient has another appointment then.',
    'patients.csv, line 5: BIRTHDATE is not a date',
    'patients.csv, line 6: more or fewer fields than the header names',
    'providers.csv, line 6: NAME is a single word',
    'providers.csv, line 7: STATE is not a state or territory of the US, so its time zone is not known',
  ]);

  const { doctors, patients, types, appointments } = await everything();
  expect(doctors.map(({ givenName, version }) => [givenName, version]).sort()).toEqual([
    ['Ana', 2],
    ['Ana', 2],
    ['Víctor493', 2],
    ['Zoë', 2],
  ]);
  expect(patients.map(({ active }) => active).sort()).toEqual([false, true, true]);
  expect(types.map(({ name }) => name).sort()).toEqual([
    'Imported visit, 15 minutes',
    'Imported visit, 5 minutes',
    'Imported visit, 65 minutes',
  ]);
  const booked = appointments.map(({ reason, start, timeZone }) => {
    const local = Temporal.Instant.from(start).toZonedDateTimeISO(timeZone);
    return [reason, local.dayOfWeek, local.toPlainTime().toString()];
  });
  expect(booked.sort()).toEqual([
    ['Imported encounter e01', 1, '09:00:00'],
    ['Imported encounter e06', 1, '09:10:00'],
    ['Imported encounter e08', 1, '11:00:00'],
    ['Imported encounter e14', 4, '10:00:00'],
  ]);
});

test('a second run changes nothing, finds what the first one brought, and is refused the others', async () => {
  const before = await everything();
  const report = await bring();
  expect(await everything()).toEqual(before);
  expect([report.doctors.existing, report.patients.existing, report.appointments.existing]).toEqual([4, 3, 4]);
  expect([report.doctors.created, report.patients.created, report.appointments.created]).toEqual([0, 0, 0]);
  // The patient of e05 was busy. Now its doctor is busy, too, which is reported first.
  const refusals = { ...REFUSALS, 'patient-busy': 1, 'slot-taken': 3 };
  expect(Object.fromEntries(report.appointments.refused)).toEqual(refusals);
});

test('what people have changed since stays as it is; what was refused gets the time that is free now', async () => {
  const { client } = api;
  const { appointments, doctors } = await everything();
  const first = appointments.find(({ reason }) => reason === 'Imported encounter e01');
  const moved = appointments.find(({ reason }) => reason === 'Imported encounter e08');
  const zoe = doctors.find(({ givenName }) => givenName === 'Zoë');
  if (!first || !moved || !zoe) throw new Error('the first run did not book what it should');
  const body = { reason: 'is away' };
  expectData(await client.POST('/api/v1/appointments/{id}/cancel', { params: { path: { id: first.id } }, body }));
  const start = instantText(Temporal.Instant.from(moved.start).add({ hours: 2 }));
  expectData(
    await client.POST('/api/v1/appointments/{id}/reschedule', { params: { path: { id: moved.id } }, body: { start } }),
  );
  const hours = { timeZone: zoe.timeZone, weeklyHours: [{ day: 'thursday' as const, start: '09:00', end: '12:00' }] };
  const path = { id: zoe.id };
  expectData(await client.PUT('/api/v1/doctors/{id}/schedule', { params: { path }, body: hours }));

  const report = await bring();
  expect(report.appointments.existing).toBe(4);
  // Only e03, which conflicted with the cancelled e01.
  expect(report.appointments.created).toBe(1);
  const after = await everything();
  expect(after.appointments.find(({ id }) => id === first.id)?.status).toBe('cancelled');
  expect(after.appointments.find(({ id }) => id === moved.id)?.start).toBe(start);
  expect(expectData(await client.GET('/api/v1/doctors/{id}/schedule', { params: { path } }))).toEqual(hours);
});

test('a patient whose record was merged since is found by the identifier, as the record that stays', async () => {
  const { client } = api;
  const { patients } = await everything();
  const [p1, p2] = ['Maynard46', 'Núria7'].map(
    (name) => patients.find(({ givenName }) => givenName === name)?.id ?? '',
  );
  if (p1 === undefined || p2 === undefined) throw new Error('the first run did not register what it should');
  const merge = { params: { path: { id: p2 } }, body: { into: p1, reason: 'registered twice' } };
  expectData(await client.POST('/api/v1/patients/{id}/merge', merge));
  const report = await bring();
  expect([report.patients.existing, report.patients.created, report.patients.refused.size]).toEqual([3, 0, 0]);
  expect((await everything()).patients.map(({ id }) => id)).not.toContain(p2);
  const unmerge = { params: { path: { id: p2 } }, body: { reason: 'another person' } };
  expectData(await client.POST('/api/v1/patients/{id}/unmerge', unmerge));
});

/** Returns the ids of the patients with this visit. */
async function patientsOf(encounter: string): Promise<string[]> {
  const { appointments } = await everything();
  return appointments
    .filter(({ reason }) => reason === `Imported encounter ${encounter}`)
    .map(({ patientId }) => patientId);
}

const register = async (givenName: string, syntheaId?: string) => {
  const identifiers = syntheaId === undefined ? [] : [{ system: PATIENT_SYSTEM, value: syntheaId }];
  const body = { givenName, familyName: 'Moore', birthDate: '1980-05-05', identifiers, confirmedNew: true };
  return expectData(await api.client.POST('/api/v1/patients', { body })).id;
};

const merge = async (id: string, into: string) => {
  const request = { params: { path: { id } }, body: { into, reason: 'registered twice' } };
  expectData(await api.client.POST('/api/v1/patients/{id}/merge', request));
};

test('visits of a patient whose record was merged since go to the record that stays, minutes and days later', async () => {
  const row = (id: string) => `${id},Mo,Moore,1980-05-05,,F,,,,`;
  const providers = ['dm,Mia Berg,AUDIOLOGIST,TX'];
  await writeFolder(join(folder, 'merged'), { providers, patients: [row('m1')], encounters: [] });
  expect((await bring('merged')).patients.created).toBe(1);
  const found = await api.client.GET('/api/v1/patients', { params: { query: { q: 'm1' } } });
  const [old] = expectData(found).items;
  const stays = await register('Mona');
  await merge(old?.id ?? '', stays);
  // The response to their registration is no longer stored.
  await merge(await register('Mo', 'm2'), stays);
  const other = await register('Mo', 'm20');
  await writeFolder(join(folder, 'merged'), {
    providers,
    patients: ['m1', 'm2', 'm20'].map(row),
    encounters: ['1', '2', '20'].map(
      (n, hour) => `em${n},2024-01-08T${16 + hour}:00:00Z,2024-01-08T${16 + hour}:15:00Z,m${n},dm`,
    ),
  });
  const report = await bring('merged');
  expect(report.patients).toMatchObject({ existing: 3, created: 0 });
  expect([await patientsOf('em1'), await patientsOf('em2'), await patientsOf('em20')]).toEqual([
    [stays],
    [stays],
    [other],
  ]);
});

test('a patient whose Id is spelled like that of another one is rejected with the reason, and so are the visits', async () => {
  await writeFolder(join(folder, 'spelled'), {
    providers: ['ds,Sam Cole,AUDIOLOGIST,TX'],
    patients: ['AB-1,Sid,Lane,1970-01-01,,M,,,,', 'cd-2,Sue,Lane,1971-01-01,,F,,,,'],
    encounters: [
      'es1,2024-01-08T16:00:00Z,2024-01-08T16:20:00Z,AB-1,ds',
      'es2,2024-01-08T17:00:00Z,2024-01-08T17:20:00Z,cd-2,ds',
    ],
  });
  await register('Abe', 'ab-1');
  const merged = await register('Cid', 'CD-2');
  await merge(merged, await register('Cyd'));
  const before = screenText.length;
  const report = await bring('spelled');
  expect(report.patients).toMatchObject({ existing: 0, created: 0 });
  const why =
    'Id differs from that of another patient only in case, width, spaces or hyphens, so Daybook takes it for the same';
  expect(screenText.slice(before).trimEnd().split('\n').sort()).toEqual([
    'encounters.csv, line 2: PATIENT is not one of the imported patients',
    'encounters.csv, line 3: PATIENT is not one of the imported patients',
    `patients.csv, line 2: ${why}`,
    `patients.csv, line 3: ${why}`,
  ]);
  expect([await patientsOf('es1'), await patientsOf('es2')]).toEqual([[], []]);
});

test('a doctor whose NAME has invisible characters is registered once', async () => {
  const names = ['Ivo\u200b Novak\u00ad', '\u2060 Ines Novak', 'Ivo Novak'];
  // A stored response belongs to an Id, so other Ids act like a run a day later.
  const providersOf = (run: string) => names.map((name, n) => `${run}${n},${name},AUDIOLOGIST,TX`);
  const empty = { patients: [], encounters: [] };
  await writeFolder(join(folder, 'invisible'), { providers: providersOf('di'), ...empty });
  expect((await bring('invisible')).doctors).toMatchObject({ existing: 0, created: 3 });
  await writeFolder(join(folder, 'invisible'), { providers: providersOf('dj'), ...empty });
  expect((await bring('invisible')).doctors).toMatchObject({ existing: 3, created: 0 });
});

test('two people of the same name and birth date are two patients', async () => {
  await writeFolder(join(folder, 'alike'), {
    providers: [],
    patients: ['ta1,Ana,Silva,1990-02-01,,F,,,,', 'ta2,Ana,Silva,1990-02-01,,F,,,,'],
    encounters: [],
  });
  expect((await bring('alike')).patients.created).toBe(2);
  expect((await bring('alike')).patients).toMatchObject({ existing: 2, created: 0 });
});

test('two runs at the same time bring everything in once', async () => {
  const people = Array.from({ length: 10 }, (_, number) => number);
  await writeFolder(join(folder, 'twice'), {
    providers: people.map((number) => `td${number},Doctor Number${number},AUDIOLOGIST,TX`),
    patients: people.map((number) => `tp${number},Patient,Number${number},1990-02-01,,F,,,,`),
    encounters: people.map((number) => `te${number},2024-01-08T16:00:00Z,2024-01-08T16:20:00Z,tp${number},td${number}`),
  });
  const before = await everything();
  await Promise.all([bring('twice'), bring('twice')]);
  const after = await everything();
  expect(after.doctors).toHaveLength(before.doctors.length + 10);
  expect(after.patients).toHaveLength(before.patients.length + 10);
  expect(after.types).toHaveLength(before.types.length + 1);
  expect(after.appointments).toHaveLength(before.appointments.length + 10);
});

test('a Daybook that goes away ends the import with one line', async () => {
  await writeFolder(join(folder, 'later'), { ...FIXTURE, providers: FIXTURE.providers.slice(0, 1) });
  const gone: Api = {
    ...api,
    send: (call) =>
      api.send(async () => {
        const response = await call();
        await system.stop('gateway');
        return response;
      }),
  };
  const progress = new Progress({ write: () => undefined });
  const run = importFolder({ folder: join(folder, 'later'), api: gone, progress, now });
  await expect(run).rejects.toMatchObject({ exitCode: 69, message: expect.stringMatching(/^No Daybook responds at/) });
});
