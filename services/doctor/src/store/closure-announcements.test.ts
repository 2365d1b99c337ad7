import { idFromBytes, idToBytes, newId, storeNoResponse } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { startDoctors } from '../testing.ts';
import { createClosureAnnouncements, DOCTORS_A_STEP } from './closure-announcements.ts';
import { createClosureStore, MAX_CLOSURES_AROUND } from './closures.ts';
import type { DoctorRow } from './tables.ts';

const administrator = { id: 'somebody', role: 'administrator' } as const;
const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };
const christmas = { startDate: '2026-12-25', endDate: '2026-12-25', reason: 'Christmas' };

/** Starts a clinic with some doctors, whose announcements the test itself makes. */
async function startClinic(count: number) {
  const { database, time, outbox, announcer } = await startDoctors();
  await announcer.close();
  const clock = () => time.now;
  const rows = Array.from(
    { length: count },
    (_, index): DoctorRow => ({
      id: idToBytes(newId()),
      given_name: null,
      family_name: 'Haddad',
      time_zone: 'UTC',
      active: index % 3 === 0 ? 0 : 1,
      appointment_type_ids: null,
      details: '{"specialties":[],"languages":[]}',
      version: index + 1,
      created_at: 0,
      updated_at: 0,
    }),
  );
  if (rows.length > 0) await database.write((tx) => tx.insertInto('doctors').values(rows).execute());
  let changes = 0;
  const closures = createClosureStore(database, clock, () => {
    changes += 1;
  });
  return {
    database,
    closures,
    announcements: createClosureAnnouncements(database, clock),
    changes: () => changes,
    ids: rows.map(({ id }) => idFromBytes(id)),
    async versions() {
      const found = await database.read((db) => db.selectFrom('doctors').select('version').orderBy('id').execute());
      return found.map(({ version }) => version);
    },
    events: async () => (await outbox()).map((event) => JSON.parse(event)),
  };
}

describe('a closure', () => {
  it('is announced by an event of each doctor, active or not, with the doctor’s next version', async () => {
    const { closures, announcements, changes, ids, versions, events } = await startClinic(3);
    const { id, start, end } = await closures.add(administrator, christmas, { ...write, traceparent: 'trace' });
    expect(changes()).toBe(1);
    expect(await events()).toEqual([]);
    expect(await announcements.step()).toBe(true);
    expect(await announcements.step()).toBe(false);
    expect(await versions()).toEqual([2, 3, 4]);
    const added = await events();
    expect(added).toHaveLength(3);
    for (const [index, doctorId] of ids.entries()) {
      expect(added[index]).toMatchObject({
        type: 'daybook.doctor.closure-added.v1',
        source: '/services/doctor',
        subject: doctorId,
        sequence: index + 2,
        traceparent: 'trace',
        data: { doctorId, closureId: id, start, end },
      });
      expect(added[index]).not.toHaveProperty('data.reason');
    }
    await closures.remove(administrator, id, write);
    expect(changes()).toBe(2);
    while (await announcements.step());
    expect(await versions()).toEqual([3, 4, 5]);
    expect((await events()).slice(3)).toMatchObject(
      ids.map((subject, index) => ({ type: 'daybook.doctor.closure-removed.v1', subject, sequence: index + 3 })),
    );
  });

  it.each([DOCTORS_A_STEP - 1, DOCTORS_A_STEP, DOCTORS_A_STEP + 1, 2 * DOCTORS_A_STEP])(
    'is announced to each of %i doctors once, in steps',
    async (count) => {
      const { closures, announcements, ids, versions, events } = await startClinic(count);
      await closures.add(administrator, christmas, write);
      let steps = 0;
      while (await announcements.step()) steps += 1;
      expect(steps).toBe(Math.floor(count / DOCTORS_A_STEP) + 1);
      expect(await versions()).toEqual(ids.map((_, index) => index + 2));
      expect((await events()).map(({ subject }) => subject)).toEqual(ids);
    },
  );

  it('is announced to each doctor once by several instances, also after interruptions', async () => {
    const { database, closures, announcements, ids, versions, events } = await startClinic(3 * DOCTORS_A_STEP);
    const { id } = await closures.add(administrator, christmas, write);
    await closures.remove(administrator, id, write);
    await announcements.step();
    // Other instances continue where the first one was interrupted.
    const others = [1, 2, 3].map(() => createClosureAnnouncements(database, () => Temporal.Now.instant()));
    await Promise.all(
      others.map(async (other) => {
        while (await other.step());
      }),
    );
    expect(await versions()).toEqual(ids.map((_, index) => index + 3));
    const byDoctor = Map.groupBy(await events(), ({ subject }) => subject);
    expect(byDoctor.size).toBe(ids.length);
    for (const [index, doctorId] of ids.entries()) {
      expect(byDoctor.get(doctorId)).toMatchObject([
        { type: 'daybook.doctor.closure-added.v1', sequence: index + 2 },
        { type: 'daybook.doctor.closure-removed.v1', sequence: index + 3 },
      ]);
    }
  });

  it('is announced while doctors change, without a lost version', async () => {
    const { call, register, announced, clinic, read, outbox } = await startDoctors();
    const { id } = await register();
    const changes = Array.from({ length: 5 }, (_, index) => call('PATCH', `/${id}`, { familyName: `Name${index}` }));
    const closed = Array.from({ length: 5 }, () => clinic('POST', '/closures', christmas));
    const statuses = (await Promise.all([...changes, ...closed])).map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 201, 201, 201, 201, 201]);
    await announced();
    expect(await read(id)).toMatchObject({ version: 11 });
    const sequences = (await outbox()).map((event) => JSON.parse(event).sequence);
    expect(sequences.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, index) => index + 1));
  });
});

it('the clinic has only as many closures around one time as can be computed with', async () => {
  const { closures } = await startClinic(0);
  for (let added = 0; added < MAX_CLOSURES_AROUND; added += 1) await closures.add(administrator, christmas, write);
  await expect(closures.add(administrator, christmas, write)).rejects.toMatchObject({ code: 'too-many-closures' });
  const later = { ...christmas, startDate: '2027-03-01', endDate: '2027-03-01' };
  await closures.add(administrator, later, write);
});

it('a patient neither adds nor removes closures', async () => {
  const { closures } = await startClinic(1);
  const patient = { id: 'ana', role: 'patient' } as const;
  const { id } = await closures.add(administrator, christmas, write);
  await expect(closures.add(patient, christmas, write)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(closures.remove(patient, id, write)).rejects.toMatchObject({ code: 'forbidden' });
  expect((await closures.list(patient, {})).items).toHaveLength(1);
});
