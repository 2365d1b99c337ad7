import { openWhenAvailable } from '@daybook/database';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { createRevalidationStore } from '../store/revalidation.ts';
import type { AppointmentTables } from '../store/tables.ts';
import { at, captureLog, openDaily, startClinic } from '../testing.ts';
import { startRevalidationWorker } from './revalidation-worker.ts';

const START = '2026-11-10T16:00:00.000Z';
const EXCEPTION_ADDED = 'daybook.doctor.exception-added.v1';

/** Returns all of the doctor's hours except those of one day. */
const without = (day: string) =>
  openDaily('14:00', '22:00').filter(({ start }) => start < at(`${day}T00:00:00Z`) || start > at(`${day}T23:59:00Z`));

async function startBooked() {
  const clinic = await startClinic();
  const booked = await clinic.book(clinic.bookingRequest(START));
  const { doctor, changeDoctor, deliver } = clinic;
  return {
    ...clinic,
    booked,
    /** Gives the doctor leave on that day. */
    takeLeave: (day = '2026-11-10') =>
      deliver(EXCEPTION_ADDED, doctor.id, changeDoctor(doctor, { open: without(day) })),
    flagged: async () => (await clinic.list({ needsRescheduling: 'true' })).items,
    eventsOf: async (id: string) =>
      (await clinic.outbox()).map((event) => JSON.parse(event)).filter(({ subject }) => subject === id),
  };
}

describe('a closure over bookings', () => {
  const day = { start: at('2026-11-10T05:00:00.000Z'), end: at('2026-11-11T05:00:00.000Z') };

  it('flags them with its own reason, and unflags them when it is removed', async () => {
    const { booked, doctor, changeDoctor, deliver, revalidate, read } = await startBooked();
    const { open } = doctor;
    const closed = changeDoctor(doctor, { open: without('2026-11-10'), closed: [day] });
    await deliver('daybook.doctor.closure-added.v1', doctor.id, closed);
    await revalidate();
    const flag = { needsRescheduling: true, reschedulingReasons: ['clinic-closed'] };
    expect(await read(booked.id)).toMatchObject(flag);
    await deliver('daybook.doctor.closure-removed.v1', doctor.id, changeDoctor(doctor, { open, closed: [] }));
    await revalidate();
    expect(await read(booked.id)).not.toMatchObject(flag);
    expect(await read(booked.id)).toMatchObject({ status: 'booked', version: 3 });
  });

  it('is seen by a booking that read the hours before it, once it is announced', async () => {
    const { doctor, changeDoctor, deliver, pauseCalls, post, bookingRequest, addPatient } = await startBooked();
    const { received, resume } = pauseCalls(2);
    const booking = post('', bookingRequest('2026-11-10T18:00:00.000Z', { patientId: addPatient() }));
    await received;
    const closed = changeDoctor(doctor, { open: without('2026-11-10'), closed: [day] });
    await deliver('daybook.doctor.closure-added.v1', doctor.id, closed);
    resume();
    expect(await booking).toMatchObject({ status: 422, body: { code: 'clinic-closed' } });
  });
});

describe('leave over bookings', () => {
  it('flags them and loses none', async () => {
    const {
      booked,
      book,
      bookingRequest,
      addPatient,
      takeLeave,
      revalidate,
      read,
      history,
      flagged,
      eventsOf,
      reservations,
    } = await startBooked();
    const later = await book(bookingRequest('2026-11-11T16:00:00.000Z', { patientId: addPatient() }));
    const before = await reservations();
    await takeLeave();
    await revalidate();
    expect(await read(booked.id)).toMatchObject({
      status: 'booked',
      start: START,
      needsRescheduling: true,
      reschedulingReasons: ['outside-availability'],
      version: 2,
      sequence: 0,
    });
    expect(await flagged()).toEqual([await read(booked.id)]);
    expect(await read(later.id)).toEqual(later);
    expect((await history(booked.id)).at(-1)).toMatchObject({
      action: 'flagged',
      by: { id: 'appointment-service', role: 'service' },
      reschedulingReasons: ['outside-availability'],
    });
    expect((await eventsOf(booked.id)).map(({ type, sequence }) => [type, sequence])).toEqual([
      ['daybook.appointment.booked.v1', 1],
      ['daybook.appointment.flagged.v1', 2],
    ]);
    expect(await reservations()).toEqual(before);
  });

  it('that is taken back unflags them', async () => {
    const { booked, doctor, changeDoctor, deliver, takeLeave, revalidate, read, history, flagged } =
      await startBooked();
    await takeLeave();
    await revalidate();
    const version = changeDoctor(doctor, { open: openDaily('14:00', '22:00') });
    await deliver('daybook.doctor.exception-removed.v1', doctor.id, version);
    await revalidate();
    const { reschedulingReasons, ...seen } = await read(booked.id);
    expect(seen).toMatchObject({ needsRescheduling: false, version: 3 });
    expect(reschedulingReasons).toBeUndefined();
    expect(await flagged()).toEqual([]);
    expect((await history(booked.id)).map(({ action }) => action)).toEqual(['booked', 'flagged', 'unflagged']);
  });

  it('flags once, however often its event comes', async () => {
    const { booked, doctor, changeDoctor, deliver, takeLeave, revalidate, read, dueRevalidations } =
      await startBooked();
    await takeLeave();
    await revalidate();
    await deliver('daybook.doctor.updated.v1', doctor.id, doctor.version);
    expect(await dueRevalidations()).toEqual([]);
    await deliver('daybook.doctor.updated.v1', doctor.id, changeDoctor(doctor, {}));
    expect(await dueRevalidations()).toHaveLength(1);
    await revalidate();
    expect(await read(booked.id)).toMatchObject({ version: 2 });
  });

  it('added while a booking into it runs is seen by the booking', async () => {
    const { bookingRequest, post, pauseCalls, addPatient, takeLeave, contexts, expectReservationsMatch } =
      await startBooked();
    const { received, resume } = pauseCalls(2);
    const before = contexts.length;
    const booking = post('', bookingRequest('2026-11-10T18:00:00.000Z', { patientId: addPatient() }));
    await received;
    // The booking has read the old hours. Leave is added and announced before the booking writes.
    await takeLeave();
    resume();
    expect(await booking).toMatchObject({ status: 422, body: { code: 'outside-availability' } });
    // Patient and doctor are read twice each, and the doctor once more for alternatives.
    expect(contexts.length - before).toBeGreaterThanOrEqual(4);
    await expectReservationsMatch();
  });

  it.each(['a move', 'a hold', 'the first free'] as const)('added meanwhile is seen by %s', async (what) => {
    const clinic = await startBooked();
    const { bookingRequest, post, call, pauseCalls, addPatient, takeLeave, booked, doctor, type } = clinic;
    doctor.specialties.push('surgery');
    const { received, resume } = pauseCalls(what === 'a hold' ? 1 : 2);
    const start = '2026-11-10T18:00:00.000Z';
    const range = { from: '2026-11-10T00:00:00.000Z', to: '2026-11-11T00:00:00.000Z' };
    const patientId = addPatient();
    const response = {
      'a move': () => post(`/${booked.id}/reschedule`, { start }),
      'a hold': () => call('POST', '/holds', { doctorId: doctor.id, appointmentTypeId: type.id, start }),
      'the first free': () =>
        post('/first-free', {
          patientId,
          specialty: 'surgery',
          appointmentTypeId: bookingRequest(start).appointmentTypeId,
          ...range,
        }),
    }[what]();
    // A first-free booking reads the patient first, and then the doctors.
    if (what === 'the first free') resume();
    else await received;
    const late = what === 'the first free' ? pauseCalls(1) : undefined;
    await late?.received;
    await takeLeave();
    (late?.resume ?? resume)();
    const code = what === 'the first free' ? 'nothing-free' : 'outside-availability';
    expect((await response).body).toMatchObject({ code });
  });

  it('is booked over when the doctor service has an older version than an event announced, as after a restore', async () => {
    const { doctor, deliver, bookingRequest, post } = await startBooked();
    await deliver(EXCEPTION_ADDED, doctor.id, doctor.version + 5);
    expect(await post('', bookingRequest('2026-11-11T16:00:00.000Z'))).toMatchObject({ status: 201 });
  });

  it('does not flag what a slow revalidation read before it was taken back', async () => {
    const { booked, doctor, changeDoctor, deliver, takeLeave, pauseCalls, startRevalidation, dueRevalidations, read } =
      await startBooked();
    await takeLeave();
    const { received, resume } = pauseCalls();
    const slow = startRevalidation();
    await received;
    // Meanwhile the leave is removed, and another worker revalidates.
    resume();
    const version = changeDoctor(doctor, { open: openDaily('14:00', '22:00') });
    await deliver('daybook.doctor.exception-removed.v1', doctor.id, version);
    slow.wake();
    await expect.poll(dueRevalidations).toEqual([]);
    await slow.close();
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: false });
  });

  it('flags what was booked between the change and its event', async () => {
    const { doctor, changeDoctor, deliver, bookingRequest, read, revalidate, book, addPatient } = await startBooked();
    const known = doctor.open;
    const version = changeDoctor(doctor, { open: without('2026-11-10') });
    // An instance of the doctor service that lags behind still reports the old hours of the old version.
    Object.assign(doctor, { open: known, version: version - 1 });
    const late = await book(bookingRequest('2026-11-10T18:00:00.000Z', { patientId: addPatient() }));
    Object.assign(doctor, { open: without('2026-11-10'), version });
    await deliver(EXCEPTION_ADDED, doctor.id, version);
    await revalidate();
    expect(await read(late.id)).toMatchObject({ needsRescheduling: true });
  });

  it('is shown to the front desk while the visit is to come, and earlier ones on request', async () => {
    const { takeLeave, revalidate, flagged, list, time, booked } = await startBooked();
    await takeLeave();
    await revalidate();
    time.now = Temporal.Instant.from('2026-12-01T00:00:00.000Z');
    expect(await flagged()).toEqual([]);
    const { items } = await list({ needsRescheduling: 'true', from: '2026-11-01T00:00:00.000Z' });
    expect(items.map(({ id }) => id)).toEqual([booked.id]);
  });

  it('leaves what is over, cancelled or with the patient already', async () => {
    const { book, bookingRequest, addPatient, post, takeLeave, revalidate, flagged, time, booked } =
      await startBooked();
    const begun = await book(bookingRequest('2026-11-10T14:00:00.000Z', { patientId: addPatient() }));
    const here = await book(bookingRequest('2026-11-10T17:00:00.000Z', { patientId: addPatient() }));
    const gone = await book(bookingRequest('2026-11-10T18:00:00.000Z', { patientId: addPatient() }));
    time.now = Temporal.Instant.from('2026-11-10T14:10:00.000Z');
    await post(`/${here.id}/arrive`);
    await post(`/${gone.id}/cancel`, { reason: 'ill' });
    await takeLeave();
    await revalidate();
    expect((await flagged()).map(({ id }) => id)).toEqual([booked.id]);
    expect(begun.needsRescheduling).toBe(false);
  });

  it('flags every one of many, over months', async () => {
    const { book, bookingRequest, addPatient, doctor, changeDoctor, deliver, revalidate, list, contexts } =
      await startBooked();
    const monday = at('2026-11-16T14:00:00.000Z');
    const starts = Array.from(
      { length: 130 },
      (_, n) => monday + Math.floor(n / 8) * 7 * 86_400_000 + (n % 8) * 1_800_000,
    );
    for (const start of starts) {
      await book(bookingRequest(Temporal.Instant.fromEpochMilliseconds(start).toString(), { patientId: addPatient() }));
    }
    await deliver(EXCEPTION_ADDED, doctor.id, changeDoctor(doctor, { open: [] }));
    const before = contexts.length;
    await revalidate();
    const query = { needsRescheduling: 'true', limit: '100' };
    const { items, nextCursor = '' } = await list(query);
    const next = await list({ ...query, cursor: nextCursor });
    expect(items.length + next.items.length).toBe(131);
    expect(contexts.slice(before).every(({ caller }) => caller.role === 'service')).toBe(true);
  });

  it('is revalidated when the doctor service responds again', async () => {
    const { booked, state, takeLeave, startRevalidation, dueRevalidations, time, read } = await startBooked();
    await takeLeave();
    state.down = true;
    const worker = startRevalidation();
    await expect.poll(async () => (await dueRevalidations())[0]?.attempts).toBe(1);
    await worker.close();
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: false });
    state.down = false;
    time.now = time.now.add({ minutes: 1 });
    const again = startRevalidation();
    await expect.poll(dueRevalidations).toEqual([]);
    await again.close();
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: true });
  });
});

describe('a participant who is not active any more', () => {
  it('keeps the appointments, flagged', async () => {
    const { booked, patientId, changePatient, changeDoctor, doctor, deliver, revalidate, read } = await startBooked();
    await deliver('daybook.patient.deactivated.v1', patientId, changePatient(patientId, false));
    await revalidate();
    expect(await read(booked.id)).toMatchObject({ status: 'booked', reschedulingReasons: ['patient-inactive'] });
    await deliver('daybook.doctor.deactivated.v1', doctor.id, changeDoctor(doctor, { active: false }));
    await revalidate();
    const both = ['doctor-inactive', 'patient-inactive'];
    expect(await read(booked.id)).toMatchObject({ status: 'booked', reschedulingReasons: both });
    await deliver('daybook.patient.updated.v1', patientId, changePatient(patientId, true));
    await revalidate();
    expect(await read(booked.id)).toMatchObject({ reschedulingReasons: ['doctor-inactive'] });
  });

  it('is not revalidated where there is nothing to come', async () => {
    const { addPatient, changePatient, deliver, dueRevalidations } = await startBooked();
    const stranger = addPatient();
    await deliver('daybook.patient.deactivated.v1', stranger, changePatient(stranger, false));
    expect(await dueRevalidations()).toEqual([]);
  });
});

describe('an appointment that needs rescheduling', () => {
  it('needs it no more when it is moved to a time that can be booked', async () => {
    const { booked, post, takeLeave, revalidate, read, flagged, expectReservationsMatch } = await startBooked();
    await takeLeave();
    await revalidate();
    expect(await post(`/${booked.id}/reschedule`, { start: '2026-11-11T16:00:00.000Z' })).toMatchObject({
      status: 200,
    });
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: false, sequence: 1 });
    expect(await flagged()).toEqual([]);
    await expectReservationsMatch();
  });

  it('needs it no more when it is cancelled', async () => {
    const { booked, post, takeLeave, revalidate, flagged } = await startBooked();
    await takeLeave();
    await revalidate();
    await post(`/${booked.id}/cancel`, { reason: 'the doctor is ill' });
    expect(await flagged()).toEqual([]);
  });

  it('cannot be moved for a patient who is not active', async () => {
    const { booked, post, patientId, changePatient } = await startBooked();
    changePatient(patientId, false);
    const refused = await post(`/${booked.id}/reschedule`, { start: '2026-11-11T16:00:00.000Z' });
    expect(refused).toMatchObject({ status: 422, body: { code: 'patient-inactive' } });
  });
});

describe('a dependency that is waited for, as at most starts, is logged in one line:', () => {
  it('a service that does not respond', async () => {
    const { state, takeLeave, startRevalidation, doctor } = await startBooked();
    await takeLeave();
    state.down = true;
    const { readLog, logger } = captureLog();
    const worker = startRevalidation(logger);
    const [line] = await readLog();
    await worker.close();
    expect(line).toMatchObject({
      reason: 'A required service does not respond.',
      kind: 'doctor',
      subjectId: doctor.id,
    });
    expect(line).not.toHaveProperty('err');
  });

  it('a database that is not there yet', async () => {
    const { clock, participants } = await startBooked();
    const late = await openWhenAvailable<AppointmentTables>('mysql://nobody@127.0.0.1:9/nowhere', migrations);
    onTestFinished(() => late.close());
    const { readLog, logger } = captureLog();
    const worker = startRevalidationWorker(participants, createRevalidationStore(late, clock), logger);
    const [line] = await readLog();
    await worker.close();
    expect(line).toMatchObject({ reason: 'The database is not available.' });
    expect(line).not.toHaveProperty('err');
  });
});
