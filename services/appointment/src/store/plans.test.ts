/** Queries and changes among many appointments use an index, as the plans of the present database show. */
import type { CloudEvent } from '@daybook/contracts';
import { type Database, idToBytes, newId, storeNoResponse } from '@daybook/database';
import { openObserved } from '@daybook/database/testing/query-plans';
import { expect, it } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import type { Placement } from '../domain/ports.ts';
import { createHoldSweep } from '../jobs/hold-expiry.ts';
import { createReservationSweep, RETENTION_DAYS } from '../jobs/reservation-retention.ts';
import { createAppointmentHistory } from './appointment-history.ts';
import { createAppointmentList } from './appointment-list.ts';
import { createAppointmentTypeStore } from './appointment-types.ts';
import { createAppointmentStore } from './appointments.ts';
import { createHoldStore } from './holds.ts';
import { createPatientMergeStore, recordMerge } from './patient-merges.ts';
import { createRevalidationStore } from './revalidation.ts';
import { recordParticipantChange } from './revalidation-requests.ts';
import type { AppointmentRow, AppointmentTables, HoldRow, ReservationRow, RevalidationRow } from './tables.ts';
import { createSeatReads } from './taken-seats.ts';

const NOW = Temporal.Instant.from('2026-11-02T08:00:00.000Z');
const clock = () => NOW;
const HALF_HOUR = 30 * 60_000;
/** A search reads the types of groups once: a clinic has few types, however many appointments. */
const TYPES_OF_GROUPS = /"table":"appointment_types",("partitions":null,)?"type":"ALL"|^SCAN appointment_types$/;
const DOCTORS = 40;
const PATIENTS = 500;
const APPOINTMENTS = 6000;
const staff = { id: 'somebody', role: 'front-desk', patientIds: [] } as const;
const service = { id: 'appointment', role: 'service', patientIds: [] } as const;

const ids = (count: number) => Array.from({ length: count }, newId);
const [doctors, patients] = [ids(DOCTORS), ids(PATIENTS)];
const doctorId = doctors[7] ?? '';
const patientId = patients[7] ?? '';

/** Returns rows like those of a clinic after years: half are over, and nearly none need rescheduling. */
function rowsOf(count: number): { appointments: AppointmentRow[]; reservations: ReservationRow[] } {
  const appointments = Array.from({ length: count }, (_, index): AppointmentRow => {
    const starts_at = NOW.epochMilliseconds + (Math.floor(index / DOCTORS) - count / DOCTORS / 2) * HALF_HOUR;
    return {
      id: idToBytes(newId()),
      patient_id: idToBytes(patients[(index * 7) % PATIENTS] ?? ''),
      doctor_id: idToBytes(doctors[index % DOCTORS] ?? ''),
      appointment_type_id: idToBytes(doctorId),
      starts_at,
      ends_at: starts_at + HALF_HOUR,
      time_zone: 'UTC',
      status: starts_at < NOW.epochMilliseconds ? 'fulfilled' : 'booked',
      sequence: 0,
      reason: null,
      note: null,
      needs_rescheduling: index % 500 === 0 ? 1 : 0,
      rescheduling_reasons: null,
      version: 1,
      created_at: 0,
      updated_at: 0,
    };
  });
  const reservations = appointments.map(
    (row): ReservationRow => ({
      resource_id: row.doctor_id,
      cell: row.starts_at / 300_000,
      seat: 0,
      appointment_type_id: row.appointment_type_id,
      holder_id: row.id,
      expires_at: null,
    }),
  );
  return { appointments, reservations };
}

/** One of fifty has expired. Their time is not reserved here. */
const holds = Array.from({ length: 2000 }, (_, index): HoldRow => {
  const starts_at = NOW.epochMilliseconds + index * HALF_HOUR;
  const expires_at = NOW.epochMilliseconds + (index % 50 === 0 ? -1 : 1) * HALF_HOUR;
  const of = { doctor_id: idToBytes(doctorId), appointment_type_id: idToBytes(doctorId) };
  const when = { starts_at, ends_at: starts_at + HALF_HOUR, expires_at };
  return { id: idToBytes(newId()), ...of, ...when, caller_id: `caller${index % 300}`, ordinal: null };
});

/** All participants have a version, and some need revalidation. */
const participantVersions = [...doctors, ...patients].map((id) => ({ participant_id: idToBytes(id), version: 1 }));
const revalidations = participantVersions.map(
  ({ participant_id }, index): RevalidationRow => ({
    subject_id: participant_id,
    kind: index < DOCTORS ? 'doctor' : 'patient',
    version: 1,
    attempts: 0,
    due_at: NOW.epochMilliseconds + (index - 5) * HALF_HOUR,
  }),
);

async function fill(database: Database<AppointmentTables>): Promise<void> {
  const { appointments, reservations } = rowsOf(APPOINTMENTS);
  await database.write(async (tx) => {
    for (let from = 0; from < APPOINTMENTS; from += 500) {
      await tx
        .insertInto('appointments')
        .values(appointments.slice(from, from + 500))
        .execute();
      await tx
        .insertInto('reservations')
        .values(reservations.slice(from, from + 500))
        .execute();
    }
    for (let from = 0; from < holds.length; from += 500) {
      await tx
        .insertInto('holds')
        .values(holds.slice(from, from + 500))
        .execute();
    }
    await tx.insertInto('participant_versions').values(participantVersions).execute();
    await tx.insertInto('revalidations').values(revalidations).execute();
  });
}

it('no list, search or lookup of a participant’s appointments reads all that there are, or sorts them', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<AppointmentTables>(migrations);
  await fill(database);
  await analyze();
  const list = createAppointmentList(observed, clock);
  const store = createAppointmentStore(observed, clock);
  const [from, to] = ['2026-11-02T00:00:00.000Z', '2026-11-04T00:00:00.000Z'];
  const lists = [
    {},
    { patientId },
    { doctorId },
    { patientId, doctorId },
    { from, to },
    { doctorId, from, to },
    { patientId, from },
    { status: 'booked' as const, from },
    { status: 'booked' as const },
    { status: 'noshow' as const },
    { status: 'noshow' as const, from, to },
    { doctorId, status: 'noshow' as const },
    { status: 'booked,arrived', from, to },
    { status: 'booked,noshow,cancelled' },
    { doctorId, status: 'booked,arrived,fulfilled', from, to },
    { patientId, status: 'noshow,cancelled' },
    { needsRescheduling: true, status: 'booked,arrived', from },
    { doctorId, from: to },
    { needsRescheduling: true, status: 'booked' as const },
    { needsRescheduling: true },
    { doctorId, needsRescheduling: true },
  ];
  for (const query of lists) {
    const { nextCursor } = await list(staff, { ...query, limit: 2 });
    if (nextCursor !== undefined) await list(staff, { ...query, limit: 2, cursor: nextCursor });
  }
  const ofDoctor = { id: 'doctor', role: 'doctor', patientIds: [], doctorId } as const;
  const ofPatients = { id: 'patient', role: 'patient', patientIds: patients.slice(0, 50) } as const;
  for (const caller of [ofDoctor, ofPatients]) {
    for (const query of [{}, { from, to }, { patientId }, { status: 'booked,arrived' }, { needsRescheduling: true }]) {
      const { items, nextCursor } = await list(caller, { ...query, limit: 2 });
      if (nextCursor !== undefined) await list(caller, { ...query, limit: 2, cursor: nextCursor });
      const id = items[0]?.id ?? '';
      if (id !== '') {
        await store.find(caller, id);
        await createAppointmentHistory(observed).entries(caller, id);
      }
    }
  }
  await store.treats(ofDoctor, patientId);
  const found = await list(staff, { doctorId, from, limit: 1 });
  const id = found.items[0]?.id ?? '';
  await store.find(staff, id);
  await createAppointmentHistory(observed).entries(staff, id);
  const range = { start: NOW.epochMilliseconds, end: NOW.epochMilliseconds + 20 * HALF_HOUR };
  const seats = createSeatReads(observed, clock);
  await seats.taken(staff, { resourceIds: [doctorId, patientId], range });
  await seats.taken(staff, { resourceIds: doctors, range, exceptHolders: [id] });
  const revalidation = { kind: 'doctor', subjectId: doctorId, version: 1, attempts: 0, leasedUntil: 0 } as const;
  await createRevalidationStore(observed, clock).upcoming(service, revalidation, found.items[0]);
  for (const seen of [undefined, found.items[0]]) {
    const ofType = { kind: 'type', subjectId: doctorId, version: 1, attempts: 0, leasedUntil: 0 } as const;
    await createRevalidationStore(observed, clock).upcoming(service, ofType, seen);
  }
  expect(count()).toBeGreaterThan(20);
  // The first few of each status, each found by the index, are merged.
  expect(await faults(new RegExp(`SCAN of_status|SCAN of_patient|${TYPES_OF_GROUPS.source}`))).toEqual([]);
});

const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };

/** A time at which none of these has an appointment. */
const LATER = NOW.epochMilliseconds + 1000 * HALF_HOUR;

const type = { id: newId(), version: 1, capacity: 1 };

function placementAt(half: number): Placement {
  const start = LATER + half * HALF_HOUR;
  const visit = { start, end: start + HALF_HOUR };
  const verified = [
    { id: doctorId, version: 1 },
    { id: patientId, version: 1 },
  ] as const;
  return { doctorId, timeZone: 'UTC', visit, doctorTime: visit, type, verified };
}

async function addTypes(database: Database<AppointmentTables>, typeIds: readonly string[]): Promise<void> {
  const times = { duration_minutes: 30, buffer_before_minutes: 0, buffer_after_minutes: 0, minimum_notice_minutes: 0 };
  const limits = { planning_horizon_days: 90, cancellation_deadline_minutes: 0, capacity: 1, active: 1 };
  const row = { ...times, ...limits, version: 1, created_at: 0, updated_at: 0 };
  const rows = typeIds.map((id) => ({ ...row, id: idToBytes(id), name: `Visit ${id}` }));
  await database.write((tx) => tx.insertInto('appointment_types').values(rows).execute());
}

it('no booking, move, cancellation or step reads the time, the holds or the appointments of others', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<AppointmentTables>(migrations);
  const group = { id: newId(), version: 1, capacity: 3 };
  await addTypes(database, [type.id, group.id]);
  await fill(database);
  await analyze();
  const store = createAppointmentStore(observed, clock);
  const holdStore = createHoldStore(observed, clock);
  const patient = { id: 'caller1', role: 'patient', patientIds: [] } as const;
  const hold = await holdStore.add(staff, placementAt(0), write);
  await holdStore.add(patient, placementAt(1), write);
  const other = await holdStore.add(staff, placementAt(2), write);
  await holdStore.find(staff, other.id);
  await holdStore.remove(staff, other.id, write);
  const one = await store.book(staff, { patientId, placement: { ...placementAt(0), holdId: hold.id } }, write);
  const two = await store.book(staff, { patientId, placement: { ...placementAt(4), type: group } }, write);
  await store.move(staff, one.id, { action: 'rescheduled', placement: placementAt(5), check: () => undefined }, write);
  await store.change(staff, one.id, { note: 'wants the window' }, () => undefined, write);
  const thatDay = Temporal.Instant.from(one.start);
  await createAppointmentStore(observed, () => thatDay).takeStep(staff, one.id, 'arrive', write);
  await store.cancel(staff, two.id, { reason: 'ill' }, write);
  const actions = await Array.fromAsync(createAppointmentHistory(observed).actions(staff, one.id));
  expect(actions).toEqual(['arrived', 'updated', 'rescheduled', 'booked']);
  const back = { to: 'booked', reason: 'the wrong line' } as const;
  const [ofOne, ofTwo] = [placementAt(5), { ...placementAt(4), type: group }].map((placement) => ({
    placement,
    reschedulingReasons: [],
  }));
  await store.stepBack(staff, one.id, { ...back, version: 4, restored: ofOne }, write);
  await store.stepBack(staff, two.id, { ...back, version: 2, restored: ofTwo }, write);
  expect(count()).toBeGreaterThan(20);
  expect(await faults(TYPES_OF_GROUPS)).toEqual([]);
});

const changed = (subject: string): CloudEvent => ({
  specversion: '1.0',
  id: newId(),
  source: '/tests',
  type: 'daybook.doctor.updated.v1',
  subject,
  time: NOW.toString(),
  datacontenttype: 'application/json',
  sequence: 2,
  data: { doctorId: subject },
});

it('a change of a participant leads to their appointments, and to no others', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<AppointmentTables>(migrations);
  await fill(database);
  await analyze();
  await observed.write((tx) =>
    recordParticipantChange(tx, observed.dialect, 'doctor', changed(doctorId), NOW.epochMilliseconds),
  );
  const store = createRevalidationStore(observed, clock);
  const revalidation = await store.next(service);
  if (!revalidation) throw new Error('no revalidation is due');
  await store.postpone(service, revalidation);
  await store.finish(service, revalidation);
  expect(count()).toBeGreaterThan(7);
  expect(await faults()).toEqual([]);
});

it('a merge of patients leads to their appointments, and to no others', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<AppointmentTables>(migrations);
  await fill(database);
  const others = patients.slice(100, 400).map((id) => ({
    ...{ patient_id: idToBytes(id), merged_into: idToBytes(doctorId), version: 2 },
    ...{ attempts: 0, due_at: null },
  }));
  const of = database.read((db) => db.selectFrom('appointments').select('id').limit(3000).execute());
  const moved = (await of).map(({ id }, index) => ({
    appointment_id: id,
    origin_id: idToBytes(patients[100 + (index % 300)] ?? ''),
  }));
  await database.write(async (tx) => {
    await tx.insertInto('merged_patients').values(others).execute();
    for (let from = 0; from < moved.length; from += 500) {
      await tx
        .insertInto('moved_appointments')
        .values(moved.slice(from, from + 500))
        .execute();
    }
  });
  await analyze();
  const [into, more] = [patients[8] ?? '', patients[9] ?? ''];
  const store = createPatientMergeStore(observed, clock);
  const moveRecord = async (change: { patientId: string; into: string | undefined; version: number }) => {
    await observed.write((tx) => recordMerge(tx, observed.dialect, change, NOW.epochMilliseconds));
    expect(await store.next(service)).toBe(change.patientId);
    await store.postpone(service, change.patientId);
    await store.reassignBatch(service, change.patientId);
  };
  await moveRecord({ patientId: more, into: patientId, version: 2 });
  await moveRecord({ patientId, into, version: 2 });
  await moveRecord({ patientId, into: undefined, version: 3 });
  expect(count()).toBeGreaterThan(50);
  expect(await faults()).toEqual([]);
});

it('clearing holds and old reservations reads no more than it deletes, or than its limit', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<AppointmentTables>(migrations);
  await fill(database);
  await analyze();
  expect(await createHoldSweep(observed, clock)()).toBe(40);
  const sweep = createReservationSweep(observed, () => NOW.add({ hours: 24 * RETENTION_DAYS }));
  while ((await sweep()) > 0);
  const { left } = await database.read((db) =>
    db
      .selectFrom('reservations')
      .select((select) => select.fn.countAll<number>().as('left'))
      .executeTakeFirstOrThrow(),
  );
  expect(left).toBe(APPOINTMENTS / 2);
  expect(count()).toBeGreaterThan(5);
  expect(await faults()).toEqual([]);
});

it('no list of appointment types and no change of one reads all that there are, or sorts them', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<AppointmentTables>(migrations);
  const many = ids(1000);
  await addTypes(database, many);
  await analyze();
  const types = createAppointmentTypeStore(observed, clock);
  const { nextCursor } = await types.list(staff, { limit: 2 });
  await types.list(staff, { limit: 2, cursor: nextCursor ?? '' });
  await types.find(staff, many[7] ?? '');
  await types.change({ ...staff, role: 'administrator' }, many[7] ?? '', { name: 'Talk' }, write);
  expect(count()).toBe(5);
  expect(await faults()).toEqual([]);
});
