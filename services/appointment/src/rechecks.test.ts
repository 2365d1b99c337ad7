import { describe, expect, it } from 'vitest';
import { at, openDaily, startClinic } from './testing.ts';

const START = '2026-11-10T16:00:00Z';
const EXCEPTION_ADDED = 'daybook.doctor.exception-added.v1';

/** Everything that a doctor works, but not on this day. */
const without = (day: string) =>
  openDaily('14:00', '22:00').filter(({ start }) => start < at(`${day}T00:00:00Z`) || start > at(`${day}T23:59:00Z`));

async function startBooked() {
  const clinic = await startClinic();
  const booked = await clinic.book(clinic.wish(START));
  const { doctor, changeDoctor, tell } = clinic;
  return {
    ...clinic,
    booked,
    /** The doctor takes the day off. */
    takeLeave: (day = '2026-11-10') => tell(EXCEPTION_ADDED, doctor.id, changeDoctor(doctor, { open: without(day) })),
    flagged: async () => (await clinic.list({ needsRescheduling: 'true' })).items,
    eventsOf: async (id: string) =>
      (await clinic.outbox()).map((event) => JSON.parse(event)).filter(({ subject }) => subject === id),
  };
}

describe('leave over bookings', () => {
  it('flags them and loses none', async () => {
    const { booked, book, wish, addPatient, takeLeave, recheck, read, history, flagged, eventsOf, reservations } =
      await startBooked();
    const later = await book(wish('2026-11-11T16:00:00Z', { patientId: addPatient() }));
    const before = await reservations();
    await takeLeave();
    await recheck();
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
    const { booked, doctor, changeDoctor, tell, takeLeave, recheck, read, history, flagged } = await startBooked();
    await takeLeave();
    await recheck();
    const version = changeDoctor(doctor, { open: openDaily('14:00', '22:00') });
    await tell('daybook.doctor.exception-removed.v1', doctor.id, version);
    await recheck();
    const { reschedulingReasons, ...seen } = await read(booked.id);
    expect(seen).toMatchObject({ needsRescheduling: false, version: 3 });
    expect(reschedulingReasons).toBeUndefined();
    expect(await flagged()).toEqual([]);
    expect((await history(booked.id)).map(({ action }) => action)).toEqual(['booked', 'flagged', 'unflagged']);
  });

  it('flags once, however often it is told', async () => {
    const { booked, doctor, tell, takeLeave, recheck, read, dueRechecks } = await startBooked();
    await takeLeave();
    await recheck();
    await tell('daybook.doctor.updated.v1', doctor.id, doctor.version);
    expect(await dueRechecks()).toEqual([]);
    await tell('daybook.doctor.updated.v1', doctor.id, doctor.version + 0);
    await recheck();
    expect(await read(booked.id)).toMatchObject({ version: 2 });
  });

  it('added while somebody books into it: the booking sees it', async () => {
    const { doctor, takeLeave, wish, post, hold, addPatient, changeDoctor, tell, askers } = await startBooked();
    await takeLeave('2026-11-12');
    const { asked, resume } = hold(2);
    const before = askers.length;
    // Asks while the doctor works then …
    const booking = post('', wish('2026-11-13T16:00:00Z', { patientId: addPatient() }));
    await asked;
    resume();
    // … and the doctor's leave is told of before the booking is written.
    const version = changeDoctor(doctor, { open: without('2026-11-13') });
    await tell(EXCEPTION_ADDED, doctor.id, version);
    expect(await booking).toMatchObject({ status: 422, body: { code: 'outside-availability' } });
    expect(askers.length).toBeGreaterThan(before);
  });

  it('flags what was booked on older facts than an event told of', async () => {
    const { doctor, changeDoctor, tell, wish, post, read, recheck, booked } = await startBooked();
    changeDoctor(doctor, { open: without('2026-11-10') });
    // The event comes later than the change: what is booked meanwhile on other days is fine, what was booked is flagged.
    expect(await post('', wish('2026-11-11T16:00:00Z'))).toMatchObject({ status: 201 });
    await tell(EXCEPTION_ADDED, doctor.id, doctor.version);
    await recheck();
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: true });
  });

  it('leaves what is over, cancelled or with the patient already', async () => {
    const { book, wish, addPatient, post, takeLeave, recheck, flagged, time, booked } = await startBooked();
    const begun = await book(wish('2026-11-10T14:00:00Z', { patientId: addPatient() }));
    const here = await book(wish('2026-11-10T17:00:00Z', { patientId: addPatient() }));
    const gone = await book(wish('2026-11-10T18:00:00Z', { patientId: addPatient() }));
    time.now = Temporal.Instant.from('2026-11-10T14:10:00Z');
    await post(`/${here.id}/arrive`);
    await post(`/${gone.id}/cancel`, { reason: 'ill' });
    await takeLeave();
    await recheck();
    expect((await flagged()).map(({ id }) => id)).toEqual([booked.id]);
    expect(begun.needsRescheduling).toBe(false);
  });

  it('flags every one of many, over months', async () => {
    const { book, wish, addPatient, doctor, changeDoctor, tell, recheck, list, askers } = await startBooked();
    const monday = at('2026-11-16T14:00:00Z');
    const starts = Array.from(
      { length: 130 },
      (_, n) => monday + Math.floor(n / 8) * 7 * 86_400_000 + (n % 8) * 1_800_000,
    );
    for (const start of starts) {
      await book(wish(Temporal.Instant.fromEpochMilliseconds(start).toString(), { patientId: addPatient() }));
    }
    await tell(EXCEPTION_ADDED, doctor.id, changeDoctor(doctor, { open: [] }));
    const before = askers.length;
    await recheck();
    const query = { needsRescheduling: 'true', limit: '100' };
    const { items, nextCursor = '' } = await list(query);
    const next = await list({ ...query, cursor: nextCursor });
    expect(items.length + next.items.length).toBe(131);
    expect(askers.slice(before).every(({ caller }) => caller.role === 'service')).toBe(true);
  });

  it('is looked at when the doctor service answers again', async () => {
    const { booked, state, takeLeave, startRechecking, dueRechecks, time, read } = await startBooked();
    await takeLeave();
    state.down = true;
    const rechecker = startRechecking();
    await expect.poll(async () => (await dueRechecks())[0]?.attempts).toBe(1);
    await rechecker.close();
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: false });
    state.down = false;
    time.now = time.now.add({ minutes: 1 });
    const again = startRechecking();
    await expect.poll(dueRechecks).toEqual([]);
    await again.close();
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: true });
  });
});

describe('somebody who is not active any more', () => {
  it('keeps the appointments, flagged', async () => {
    const { booked, patientId, changePatient, changeDoctor, doctor, tell, recheck, read } = await startBooked();
    await tell('daybook.patient.deactivated.v1', patientId, changePatient(patientId, false));
    await recheck();
    expect(await read(booked.id)).toMatchObject({ status: 'booked', reschedulingReasons: ['patient-inactive'] });
    await tell('daybook.doctor.deactivated.v1', doctor.id, changeDoctor(doctor, { active: false }));
    await recheck();
    const both = ['doctor-inactive', 'patient-inactive'];
    expect(await read(booked.id)).toMatchObject({ status: 'booked', reschedulingReasons: both });
    await tell('daybook.patient.updated.v1', patientId, changePatient(patientId, true));
    await recheck();
    expect(await read(booked.id)).toMatchObject({ reschedulingReasons: ['doctor-inactive'] });
  });

  it('is not looked at again where there is nothing to come', async () => {
    const { addPatient, changePatient, tell, dueRechecks } = await startBooked();
    const stranger = addPatient();
    await tell('daybook.patient.deactivated.v1', stranger, changePatient(stranger, false));
    expect(await dueRechecks()).toEqual([]);
  });
});

describe('an appointment that needs rescheduling', () => {
  it('needs it no more when it is moved to a time that can be booked', async () => {
    const { booked, post, takeLeave, recheck, read, flagged, expectReservationsMatch } = await startBooked();
    await takeLeave();
    await recheck();
    expect(await post(`/${booked.id}/reschedule`, { start: '2026-11-11T16:00:00Z' })).toMatchObject({ status: 200 });
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: false, sequence: 1 });
    expect(await flagged()).toEqual([]);
    await expectReservationsMatch();
  });

  it('needs it no more when it is cancelled', async () => {
    const { booked, post, takeLeave, recheck, flagged } = await startBooked();
    await takeLeave();
    await recheck();
    await post(`/${booked.id}/cancel`, { reason: 'the doctor is ill' });
    expect(await flagged()).toEqual([]);
  });

  it('cannot be moved for a patient who is not active', async () => {
    const { booked, post, patientId, changePatient } = await startBooked();
    changePatient(patientId, false);
    const refused = await post(`/${booked.id}/reschedule`, { start: '2026-11-11T16:00:00Z' });
    expect(refused).toMatchObject({ status: 422, body: { code: 'patient-inactive' } });
  });
});
