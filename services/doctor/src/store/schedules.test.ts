import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idToBytes, keepNothing, newId, openDatabase } from '@daybook/database';
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { doctors } from '../../migrations/0001-doctors.ts';
import { exceptions } from '../../migrations/0002-exceptions.ts';
import { migrations } from '../../migrations/index.ts';
import { hours } from '../testing.ts';
import { createScheduleStore } from './schedules.ts';
import type { DoctorTables } from './tables.ts';

const staff = { id: 'somebody', role: 'front-desk' } as const;
const write = { keep: keepNothing, checkVersion: () => undefined };

it('a database from before hours had a first day keeps them as hours from always, with their version', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-doctor-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const url = `sqlite:${join(folder, 'doctor.sqlite')}`;
  const old = await openDatabase<DoctorTables>(url, (dialect) => ({
    '0001-doctors': doctors(dialect),
    '0002-exceptions': exceptions(dialect),
  }));
  const [working, idle] = [newId(), newId()];
  const mondays = { timeZone: 'Asia/Tokyo', weeklyHours: [hours('monday', '09:00', '12:00')] };
  await old.write(async (transaction) => {
    const doctor = {
      given_name: 'Noor',
      family_name: 'Haddad',
      time_zone: 'UTC',
      active: 1,
      details: '{}',
      version: 9,
    };
    const rows = [working, idle].map((id) => ({ ...doctor, id: idToBytes(id), created_at: 0, updated_at: 0 }));
    await transaction.insertInto('doctors').values(rows).execute();
    await sql`insert into schedules (doctor_id, time_zone, weekly_hours, version, updated_at)
      values (${idToBytes(working)}, ${mondays.timeZone}, ${JSON.stringify(mondays.weeklyHours)}, 3, 0)`.execute(
      transaction,
    );
  });
  await old.close();
  const database = await openDatabase<DoctorTables>(url, migrations);
  onTestFinished(() => database.close());
  const store = createScheduleStore(database, () => Temporal.Instant.from('2026-03-02T09:00:00Z'));
  expect(await store.find(staff, working)).toEqual({ schedule: mondays, version: 3 });
  expect(await store.find(staff, idle)).toEqual({ schedule: { timeZone: 'UTC', weeklyHours: [] }, version: -9 });
  await store.replace(staff, working, { ...mondays, validFrom: '2026-12-01' }, write);
  expect(await store.find(staff, working)).toEqual({
    schedule: { ...mondays, validThrough: '2026-11-30' },
    version: 10,
  });
});
