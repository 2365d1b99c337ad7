/** Queries among many doctors use an index, as the plans of the present database show. */
import { DAY, nameTerms } from '@daybook/contracts';
import { idFromBytes, idToBytes, newId, storeNoResponse } from '@daybook/database';
import { openObserved } from '@daybook/database/testing/query-plans';
import { expect, it } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { createAvailabilityStore } from './availability.ts';
import { createClinicStore } from './clinic.ts';
import { createClosureAnnouncements } from './closure-announcements.ts';
import { createClosureStore } from './closures.ts';
import { createDoctorStore } from './doctors.ts';
import { createExceptionStore } from './exceptions.ts';
import { createScheduleStore } from './schedules.ts';
import type { ClosureRow, DoctorRow, DoctorTables } from './tables.ts';

const NOW = Temporal.Instant.from('2026-11-02T08:00:00.000Z');
const DOCTORS = 2000;
const SPECIALTIES = 40;
const staff = { id: 'somebody', role: 'administrator', patientIds: [] } as const;
const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };
const clock = () => NOW;

const rows = Array.from(
  { length: DOCTORS },
  (_, index): DoctorRow => ({
    id: idToBytes(newId()),
    given_name: `given${index % 90}`,
    family_name: `family${index % 700}`,
    time_zone: 'UTC',
    active: index % 50 === 0 ? 0 : 1,
    appointment_type_ids: null,
    details: '{"specialties":[],"languages":[]}',
    version: 1,
    created_at: 0,
    updated_at: 0,
  }),
);

const derivedOf = ({ id, given_name, family_name }: DoctorRow, index: number) => ({
  terms: nameTerms(given_name ?? '', family_name).map((term) => ({ term, resource_id: id })),
  specialty: { specialty: `specialty${index % SPECIALTIES}`, doctor_id: id },
  periods: ['0000-01-01', '2026-12-01'].map((valid_from) => ({
    doctor_id: id,
    valid_from,
    time_zone: 'UTC',
    weekly_hours: '[]',
    version: 1,
    updated_at: 0,
  })),
  exceptions: Array.from({ length: 6 }, (_, n) => {
    const starts_at = NOW.epochMilliseconds + (n - 3) * 200 * DAY;
    const kind = 'time-off' as const;
    return {
      id: idToBytes(newId()),
      doctor_id: id,
      kind,
      starts_at,
      ends_at: starts_at + DAY,
      reason: null,
      created_at: 0,
    };
  }),
});

/** Holidays of many years, before and after now. */
const closureRows = Array.from({ length: 1000 }, (_, index): ClosureRow => {
  const starts_at = Math.floor(NOW.epochMilliseconds / DAY) * DAY + (index - 500) * 20 * DAY;
  const date = Temporal.Instant.fromEpochMilliseconds(starts_at).toString().slice(0, '2026-12-25'.length);
  return {
    id: idToBytes(newId()),
    start_date: date,
    end_date: date,
    time_zone: 'UTC',
    starts_at,
    ends_at: starts_at + DAY,
    reason: 'Holiday',
    created_at: 0,
  };
});

async function openDoctors() {
  const opened = await openObserved<DoctorTables>(migrations);
  await opened.database.write(async (tx) => {
    for (let from = 0; from < closureRows.length; from += 250) {
      await tx
        .insertInto('closures')
        .values(closureRows.slice(from, from + 250))
        .execute();
    }
    for (let from = 0; from < DOCTORS; from += 250) {
      const some = rows.slice(from, from + 250);
      const derived = some.map(derivedOf);
      await tx.insertInto('doctors').values(some).execute();
      await tx
        .insertInto('search_terms')
        .values(derived.flatMap(({ terms }) => terms))
        .execute();
      await tx
        .insertInto('doctor_specialties')
        .values(derived.map(({ specialty }) => specialty))
        .execute();
      await tx
        .insertInto('schedule_periods')
        .values(derived.flatMap(({ periods }) => periods))
        .execute();
      await tx
        .insertInto('schedule_exceptions')
        .values(derived.flatMap(({ exceptions }) => exceptions))
        .execute();
    }
  });
  await opened.analyze();
  return opened;
}

const range = { start: NOW.epochMilliseconds, end: NOW.epochMilliseconds + 30 * DAY };

it('no list of doctors or of their exceptions reads all that there are, or sorts them', async () => {
  const { observed, count, faults } = await openDoctors();
  const doctors = createDoctorStore(observed, clock);
  const exceptions = createExceptionStore(observed, clock);
  const names = { givenName: 'Noor', familyName: 'Haddad', timeZone: 'UTC' };
  const { id } = await doctors.register(staff, { ...names, specialties: ['specialty3'] }, write);
  for (const query of [{}, { active: true }, { active: false }]) {
    const { nextCursor } = await doctors.search(staff, { ...query, limit: 2 });
    if (nextCursor !== undefined) await doctors.search(staff, { ...query, limit: 2, cursor: nextCursor });
  }
  await doctors.find(staff, id);
  await doctors.change(staff, id, { specialties: ['specialty4'] }, write);
  const leave = { kind: 'time-off' as const, start: '2026-11-03T08:00:00.000Z', end: '2026-11-03T12:00:00.000Z' };
  const added = await exceptions.add(staff, id, leave, write);
  await exceptions.add(staff, id, { ...leave, start: '2026-11-03T09:00:00.000Z' }, write);
  for (const query of [{}, { from: '2026-11-01T00:00:00.000Z' }, { to: '2026-12-01T00:00:00.000Z' }]) {
    const page = await exceptions.list(staff, id, { ...query, limit: 1 });
    await exceptions.list(staff, id, { ...query, limit: 1, cursor: page?.nextCursor ?? '' });
  }
  await exceptions.remove(staff, id, added.id, write);
  expect(count()).toBeGreaterThan(25);
  expect(await faults()).toEqual([]);
});

/** Doctors are returned in the order of their ids. Few matches are sorted; many are read along the ids. */
const BY_ID = /filesort|TEMP B-TREE|SCAN (found|matching|page)/;

it('a search by name or specialty reads what they match, and not all doctors', async () => {
  const { observed, count, faults } = await openDoctors();
  const doctors = createDoctorStore(observed, clock);
  for (const query of [
    { q: 'family77' },
    { q: 'fam' },
    { q: 'family77', active: true },
    { q: 'family77', specialty: 'specialty37' },
    { specialty: 'specialty3' },
    { specialty: 'specialty3', active: true },
  ]) {
    const cursor = (await doctors.search(staff, { limit: 1 })).nextCursor ?? '';
    await doctors.search(staff, query);
    await doctors.search(staff, { ...query, cursor });
  }
  expect(count()).toBeGreaterThan(4);
  expect(await faults(BY_ID)).toEqual([]);
});

/** The few rows of the chosen doctors are merged and sorted. */
const OF_CHOSEN = /SCAN chosen|TEMP B-TREE|filesort/;

it('the hours and the availability of some are not read out of those of all', async () => {
  const { observed, count, faults } = await openDoctors();
  const schedules = createScheduleStore(observed, clock);
  const availability = createAvailabilityStore(observed);
  const id = idFromBytes(rows[7]?.id ?? new Uint8Array());
  await schedules.replace(staff, id, { timeZone: 'UTC', weeklyHours: [] }, write);
  await schedules.find(staff, id);
  await availability.find(staff, id, range);
  const { nextCursor } = await availability.search(staff, { specialty: 'specialty3', limit: 2 }, range);
  await availability.search(staff, { specialty: 'specialty3', limit: 2, cursor: nextCursor ?? '' }, range);
  expect(count()).toBeGreaterThan(6);
  expect(await faults(OF_CHOSEN)).toEqual([]);
});

it('no list of closures reads all that there are, and an announcement reads the doctors of its step only', async () => {
  const { observed, count, faults } = await openDoctors();
  const administrator = { id: 'somebody', role: 'administrator' } as const;
  const clinic = createClinicStore(observed, clock);
  const closures = createClosureStore(observed, clock, () => undefined);
  const announcements = createClosureAnnouncements(observed, clock);
  await clinic.find(administrator);
  await clinic.change(administrator, { name: 'Riverside' }, write);
  const days = { startDate: '2026-12-25', endDate: '2026-12-26' };
  const { id } = await closures.add(administrator, { ...days, reason: 'Holiday' }, write);
  for (const query of [{}, { from: '2026-12-01' }, { to: '2026-12-31' }, { from: '2026-12-01', to: '2026-12-31' }]) {
    const { nextCursor } = await closures.list(administrator, { ...query, limit: 1 });
    if (nextCursor !== undefined) await closures.list(administrator, { ...query, limit: 1, cursor: nextCursor });
  }
  await closures.remove(administrator, id, write);
  for (let steps = 0; steps < 3; steps += 1) await announcements.step();
  expect(count()).toBeGreaterThan(25);
  expect(await faults()).toEqual([]);
});
