import { MAX_EXCEPTION_DAYS } from '@daybook/contracts';
import { idToBytes, newId, openDatabase, storeNoResponse } from '@daybook/database';
import { databaseKind, freshDatabase } from '@daybook/testing/databases';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { openIntervals } from '../domain/availability.ts';
import { clocksOver } from '../domain/wall-clock.ts';
import { extra, hours, noor, startDoctors, UNKNOWN_ID } from '../testing.ts';
import { createAvailabilityStore } from './availability.ts';
import { createDoctorStore } from './doctors.ts';
import { createExceptionStore, MAX_OVERLAPPING } from './exceptions.ts';
import { createScheduleStore } from './schedules.ts';
import type { DoctorTables, ScheduleExceptionRow } from './tables.ts';
import { activeDoctors, workingTimeQuery } from './working-time-query.ts';

const DAY = 86_400_000;
const at = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const iso = (millis: number): string => Temporal.Instant.fromEpochMilliseconds(millis).toString();
const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };
const staff = { id: 'somebody', role: 'administrator', patientIds: [] } as const;
const noon = at('2026-06-01T12:00:00.000Z');

async function startStore() {
  const service = await startDoctors();
  const store = createAvailabilityStore(service.database);
  const { id } = await service.register();
  const row = (start: number, end: number): ScheduleExceptionRow => ({
    id: idToBytes(newId()),
    doctor_id: idToBytes(id),
    kind: 'time-off',
    starts_at: start,
    ends_at: end,
    reason: 'knee',
    created_at: 0,
  });
  const insert = (rows: ScheduleExceptionRow[]) =>
    service.database.write((transaction) => transaction.insertInto('schedule_exceptions').values(rows).execute());
  return { ...service, store, id, row, insert };
}

describe('the exceptions that overlap a range', () => {
  it('are those that share time with it, also the longest', async () => {
    const { store, id, row, insert } = await startStore();
    const range = { start: noon, end: noon + DAY };
    const longest = MAX_EXCEPTION_DAYS * DAY;
    await insert([
      row(noon - DAY, noon),
      row(noon + DAY, noon + 2 * DAY),
      row(noon - longest, noon),
      row(noon + 1 - longest, noon + 1),
      row(noon + DAY - 1, noon + DAY),
    ]);
    const found = await store.find(staff, id, range);
    expect(found?.exceptions.map(({ end }) => end).sort()).toEqual([noon + 1, noon + DAY]);
    expect(await store.find(staff, UNKNOWN_ID, range)).toBeUndefined();
  });

  it('are read with their times only', async () => {
    const { store, id, row, insert } = await startStore();
    await insert([row(noon, noon + DAY)]);
    const doctor = { id: 'ana', role: 'doctor', patientIds: [] } as const;
    expect(await store.find(doctor, id, { start: noon, end: noon + 1 })).toMatchObject({
      exceptions: [{ kind: 'time-off', start: noon, end: noon + DAY }],
    });
    expect(JSON.stringify(await store.find(doctor, id, { start: noon, end: noon + 1 }))).not.toContain('knee');
  });
});

it('too many exceptions of any doctor are refused, not cut: of one who only shows that there is a next page, too', async () => {
  const { store, register, database } = await startStore();
  const surgeon = { ...noor, specialties: ['surgery'] };
  const [, second] = [await register(surgeon), await register(surgeon)];
  const lunch = { kind: 'time-off', starts_at: noon, ends_at: noon + 1, reason: null, created_at: 0 } as const;
  const rows = Array.from({ length: MAX_OVERLAPPING + 1 }, () => ({
    ...lunch,
    id: idToBytes(newId()),
    doctor_id: idToBytes(second.id),
  }));
  await database.write((transaction) => transaction.insertInto('schedule_exceptions').values(rows).execute());
  const search = (start: number) => store.search(staff, { specialty: 'surgery', limit: 1 }, { start, end: noon + DAY });
  await expect(search(noon)).rejects.toMatchObject({ code: 'range-too-long' });
  expect(await search(noon + 1)).toMatchObject({ items: [{ version: 1 }] });
});

it.runIf(databaseKind === 'sqlite')(
  'doctors, periods and exceptions are found by their keys, however many there are',
  async () => {
    const { database } = await startStore();
    const statement = workingTimeQuery(activeDoctors('surgery', UNKNOWN_ID, 51), { start: 0, end: 1 }, 1000);
    const plan = await database.read((db) => sql<{ detail: string }>`explain query plan ${statement}`.execute(db));
    const searches = plan.rows.map(({ detail }) => detail).filter((detail) => /^(SEARCH|SCAN)/.test(detail));
    expect(searches).toEqual([
      'SEARCH specialists USING PRIMARY KEY (specialty=? AND doctor_id>?)',
      'SEARCH doctors USING PRIMARY KEY (id=?)',
      'SCAN chosen',
      'SEARCH periods USING PRIMARY KEY (doctor_id=? AND valid_from<?) LEFT-JOIN',
      'SEARCH later USING PRIMARY KEY (doctor_id=? AND valid_from>? AND valid_from<?)',
      'SCAN chosen',
      'SEARCH schedule_exceptions USING INDEX schedule_exceptions_by_doctor (doctor_id=? AND starts_at>? AND starts_at<?)',
      'SEARCH closures USING COVERING INDEX closures_by_start (starts_at>? AND starts_at<?)',
    ]);
  },
);

/** Opens a database whose reads have their own connection, and its stores. */
async function openStores() {
  const database = await openDatabase<DoctorTables>(await freshDatabase(), migrations);
  onTestFinished(() => database.close());
  const clock = () => Temporal.Instant.fromEpochMilliseconds(0);
  return {
    doctors: createDoctorStore(database, clock),
    schedules: createScheduleStore(database, clock),
    exceptions: createExceptionStore(database, clock),
    availability: createAvailabilityStore(database),
  };
}

it('a version comes with exactly the hours and exceptions that it has, however they change meanwhile', async () => {
  const { doctors, schedules, exceptions, availability } = await openStores();
  const { id } = await doctors.register(staff, { ...noor, specialties: ['surgery'] }, write);
  const week = { start: at('2026-01-05T00:00:00.000Z'), end: at('2026-01-12T00:00:00.000Z') };
  // The open hours of each version, noted before that version can be read.
  const open = new Map([[1, '']]);
  const monday = (hour: number) => `2026-01-05T${hour}:00:00Z/2026-01-05T${hour}:30:00Z`;
  const tuesday = (hour: number) => `2026-01-06T${hour}:00:00Z/2026-01-06T${hour}:30:00Z`;

  async function change(): Promise<void> {
    for (let round = 0; round < 60; round += 1) {
      const [version, hour] = [1 + round * 3, 10 + (round % 10)];
      open.set(version + 1, [monday(hour)].join());
      open.set(version + 2, [monday(hour), tuesday(hour)].join());
      open.set(version + 3, [monday(hour)].join());
      const weeklyHours = [hours('monday', `${hour}:00`, `${hour}:30`)];
      await schedules.replace(staff, id, { timeZone: 'UTC', weeklyHours }, write);
      const [start = '', end = ''] = tuesday(hour).split('/');
      const added = await exceptions.add(staff, id, extra(start, end), write);
      await exceptions.remove(staff, id, added.id, write);
    }
  }

  let changing = true;
  const changed = change().finally(() => {
    changing = false;
  });
  const seen = new Set<number>();
  while (changing) {
    const { items } = await availability.search(staff, { specialty: 'surgery' }, week);
    for (const found of [await availability.find(staff, id, week), ...items]) {
      const intervals = found && openIntervals(found.periods, found.exceptions, clocksOver(week));
      const text = intervals?.map(({ start, end }) => `${iso(start)}/${iso(end)}`).join();
      expect([found?.version, text]).toEqual([found?.version, open.get(found?.version ?? 0)]);
      seen.add(found?.version ?? 0);
    }
  }
  await changed;
  expect(seen.size).toBeGreaterThan(10);
});
