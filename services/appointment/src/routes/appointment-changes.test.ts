/** Changes of an appointment's reason, note and type. */
import { describe, expect, it } from 'vitest';
import { createAppointmentStore } from '../store/appointments.ts';
import { readProblem, startClinic, UNKNOWN_ID } from '../testing.ts';

const START = '2026-11-03T16:00:00.000Z';

async function startBooked() {
  const clinic = await startClinic();
  const { call, book, bookingRequest, addType, outbox } = clinic;
  const booked = await book({ ...bookingRequest(START), ...{ reason: 'follow-up' } });
  const long = await addType({ durationMinutes: 60, bufferAfterMinutes: 10 });
  return {
    ...clinic,
    booked,
    long,
    change: (patch: object, headers?: Record<string, string>, id = booked.id) =>
      call('PATCH', `/appointments/${id}`, patch, headers),
    lastEvent: async () => JSON.parse((await outbox()).at(-1) ?? ''),
  };
}

describe('changing reason and note', () => {
  it('keeps them, removes them with null, and puts them into no event', async () => {
    const { booked, change, read, history, outbox, lastEvent, reservations } = await startBooked();
    const before = await reservations();
    const changed = await change({ reason: 'knee', note: 'wants the window' });
    expect(changed).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
      body: { ...booked, reason: 'knee', note: 'wants the window', version: 2 },
    });
    expect(await read(booked.id)).toEqual(changed.body);
    expect((await history(booked.id)).at(-1)).toMatchObject({ action: 'updated', changed: ['reason', 'note'] });
    expect(await lastEvent()).toMatchObject({
      type: 'daybook.appointment.updated.v1',
      subject: booked.id,
      sequence: 2,
    });
    await change({ reason: null, note: null }, { 'content-type': 'application/merge-patch+json' });
    expect(await read(booked.id)).not.toHaveProperty('reason');
    expect(await read(booked.id)).not.toHaveProperty('note');
    expect(await read(booked.id)).toMatchObject({ version: 3, sequence: 0 });
    const published = `${(await outbox()).join()}${JSON.stringify(await history(booked.id))}`;
    for (const secret of ['knee', 'window', 'follow-up']) expect(published).not.toContain(secret);
    expect(await reservations()).toEqual(before);
  });

  it('to what they are already changes nothing', async () => {
    const { booked, change, type, outbox } = await startBooked();
    const before = await outbox();
    for (const patch of [{}, { reason: 'follow-up', note: null }, { appointmentTypeId: type.id.toUpperCase() }]) {
      expect(await change(patch)).toMatchObject({ status: 200, body: booked });
    }
    expect(await outbox()).toEqual(before);
  });

  it('is for visits that have not ended', async () => {
    const { booked, change, post, time } = await startBooked();
    time.now = Temporal.Instant.from('2026-11-03T16:05:00.000Z');
    await post(`/${booked.id}/arrive`);
    expect((await change({ note: 'late' })).status).toBe(200);
    expect(await change({ note: 'later', appointmentTypeId: UNKNOWN_ID })).toMatchObject({
      status: 409,
      body: { code: 'wrong-status' },
    });
    await post(`/${booked.id}/fulfil`);
    expect(await change({ reason: 'knee' })).toMatchObject({ status: 409, body: { code: 'wrong-status' } });
  });

  it('is refused where it is stale, malformed, or about nothing', async () => {
    const { change, booked, read } = await startBooked();
    expect(await change({ note: 'x' }, { 'if-match': '"7"' })).toMatchObject({ status: 412 });
    for (const patch of [{ note: '' }, { reason: 'x'.repeat(501) }, { start: START }, { appointmentTypeId: null }]) {
      expect(await change(patch)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    }
    expect(await change({ note: 'x' }, {}, UNKNOWN_ID)).toMatchObject({ status: 404 });
    expect(await read(booked.id)).toEqual(booked);
  });

  it('shows the note to staff alone', async () => {
    const { database, clock, booked, change } = await startBooked();
    await change({ note: 'wants the window' });
    const store = createAppointmentStore(database, clock);
    const desk = { id: 'a', role: 'front-desk', patientIds: [] } as const;
    expect(await store.find(desk, booked.id)).toHaveProperty('note');
    const saved: unknown[] = [];
    const write = {
      storeResponse: async (_: unknown, body: unknown) => void saved.push(body),
      checkVersion: () => undefined,
    };
    const service = { id: 'b', role: 'service', patientIds: [] } as const;
    expect(await store.find(service, booked.id)).not.toHaveProperty('note');
    const patient = { id: 'c', role: 'patient', patientIds: [booked.patientId] } as const;
    expect(await store.cancel(patient, booked.id, { reason: 'ill' }, write)).not.toHaveProperty('note');
    expect(saved[0]).not.toHaveProperty('note');
    expect(await store.find(desk, booked.id)).toHaveProperty('note');
  });
});

describe('changing the type', () => {
  it('reserves the time of the new one from the same start, and raises the sequence with the end', async () => {
    const { booked, change, long, type, history, lastEvent, expectReservationsMatch } = await startBooked();
    const end = '2026-11-03T17:00:00.000Z';
    expect(await change({ appointmentTypeId: long.id, note: 'takes longer' })).toMatchObject({
      status: 200,
      body: { start: START, end, appointmentTypeId: long.id, sequence: 1, version: 2, note: 'takes longer' },
    });
    expect((await history(booked.id)).at(-1)).toMatchObject({
      action: 'updated',
      changed: ['appointmentTypeId', 'note'],
      from: { end: booked.end, appointmentTypeId: type.id },
      to: { end, appointmentTypeId: long.id },
    });
    expect(await lastEvent()).toMatchObject({
      type: 'daybook.appointment.updated.v1',
      data: { end, appointmentTypeId: long.id, previous: { end: booked.end, appointmentTypeId: type.id } },
    });
    await expectReservationsMatch();
    await change({ appointmentTypeId: type.id });
    await expectReservationsMatch();
  });

  it('of the same length leaves the sequence', async () => {
    const { change, addType } = await startBooked();
    const same = await addType();
    expect(await change({ appointmentTypeId: same.id })).toMatchObject({
      status: 200,
      body: { sequence: 0, version: 2 },
    });
  });

  it('is refused as a booking is, with alternatives, and changes nothing', async () => {
    const clinic = await startBooked();
    const { booked, book, bookingRequest, change, long, addType, addPatient, read, reservations, time } = clinic;
    await book(bookingRequest('2026-11-03T16:30:00.000Z', { patientId: addPatient() }));
    const before = await reservations();
    const refused = await change({ appointmentTypeId: long.id, note: 'x' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'slot-taken' } });
    expect(readProblem(refused.body).alternatives).toHaveLength(5);
    const [noticed, retired, whole] = [
      await addType({ minimumNoticeMinutes: 10_000 }),
      await addType({ active: false }),
      await addType({ durationMinutes: 600 }),
    ];
    const expected = [
      [noticed.id, 'too-soon'],
      [retired.id, 'appointment-type-inactive'],
      [whole.id, 'outside-availability'],
      [UNKNOWN_ID, 'appointment-type-not-found'],
    ] as const;
    for (const [appointmentTypeId, code] of expected) {
      expect(await change({ appointmentTypeId })).toMatchObject({ status: 422, body: { code } });
    }
    clinic.changeDoctor(clinic.doctor, { offers: new Set([clinic.type.id]) });
    expect(await change({ appointmentTypeId: noticed.id })).toMatchObject({
      body: { code: 'appointment-type-not-offered' },
    });
    expect(await read(booked.id)).toEqual(booked);
    expect(await reservations()).toEqual(before);
    expect(time.now.toString()).toBe('2026-11-02T08:00:00Z');
  });

  it('while a booking takes what it needs gives the time to exactly one', async () => {
    const { change, post, bookingRequest, long, addPatient, expectReservationsMatch } = await startBooked();
    const [changed, other] = await Promise.all([
      change({ appointmentTypeId: long.id }),
      post('', bookingRequest('2026-11-03T16:30:00.000Z', { patientId: addPatient() })),
    ]);
    expect([changed.status, other.status].toSorted()).toEqual([changed.status === 200 ? 200 : 201, 409]);
    await expectReservationsMatch();
  });

  it('and moving it at once leaves one of both', async () => {
    const { booked, change, post, long, read, expectReservationsMatch } = await startBooked();
    const responses = await Promise.all([
      change({ appointmentTypeId: long.id }),
      post(`/${booked.id}/reschedule`, { start: '2026-11-03T19:00:00.000Z' }),
    ]);
    for (const { status } of responses) expect([200, 409]).toContain(status);
    expect((await read(booked.id)).version).toBe(1 + responses.filter(({ status }) => status === 200).length);
    await expectReservationsMatch();
  });
});

describe('the reason of a move', () => {
  it('is kept in the history, next to that of an overbooking', async () => {
    const { booked, book, bookingRequest, post, addPatient, history, read } = await startBooked();
    await post(`/${booked.id}/reschedule`, { start: '2026-11-03T18:00:00.000Z', reason: 'the bus is late' });
    expect((await history(booked.id)).at(-1)).toMatchObject({ action: 'rescheduled', reason: 'the bus is late' });
    await book(bookingRequest('2026-11-03T20:00:00.000Z', { patientId: addPatient() }));
    const body = { start: '2026-11-03T20:00:00.000Z', reason: 'called again', overbooking: { reason: 'urgent' } };
    await post(`/${booked.id}/reschedule`, body);
    expect((await history(booked.id)).at(-1)).toMatchObject({
      reason: 'called again',
      overbooked: true,
      overbookingReason: 'urgent',
    });
    expect(await read(booked.id)).toMatchObject({ reason: 'follow-up' });
  });
});

describe('a type that is not in use any more', () => {
  it('has its visits flagged until it comes back', async () => {
    const { booked, book, bookingRequest, addPatient, call, type, long, revalidate, list, history, read } =
      await startBooked();
    const other = await book(
      bookingRequest('2026-11-03T19:00:00.000Z', { patientId: addPatient(), appointmentTypeId: long.id }),
    );
    await call('PATCH', `/appointment-types/${type.id}`, { active: false });
    await revalidate();
    expect((await list({ needsRescheduling: 'true' })).items).toMatchObject([
      { id: booked.id, reschedulingReasons: ['appointment-type-inactive'], version: 2 },
    ]);
    expect(await read(other.id)).toEqual(other);
    expect((await history(booked.id)).at(-1)).toMatchObject({
      action: 'flagged',
      reschedulingReasons: ['appointment-type-inactive'],
    });
    await call('PATCH', `/appointment-types/${type.id}`, { active: true });
    await revalidate();
    expect(await read(booked.id)).toMatchObject({ needsRescheduling: false, version: 3 });
  });

  it('leaves visits that can be moved and changed to another type, which takes the flag away', async () => {
    const {
      booked,
      call,
      change,
      post,
      type,
      long,
      revalidate,
      read,
      slots,
      doctor,
      addType,
      expectReservationsMatch,
    } = await startBooked();
    await call('PATCH', `/appointment-types/${type.id}`, { active: false });
    await revalidate();
    await change({ note: 'asked to call back' });
    expect(await read(booked.id)).toMatchObject({ reschedulingReasons: ['appointment-type-inactive'] });
    const start = '2026-11-03T18:00:00.000Z';
    // The type has no slots, so the appointment cannot be moved to any.
    const within = { doctorId: doctor.id, from: start, to: '2026-11-03T19:00:00.000Z' };
    expect(await slots({ ...within, appointmentTypeId: type.id })).toEqual([]);
    expect(await post(`/${booked.id}/reschedule`, { start })).toMatchObject({
      status: 422,
      body: { code: 'appointment-type-inactive' },
    });
    expect((await slots({ ...within, appointmentTypeId: long.id })).map((slot) => slot.start)).toContain(start);
    expect(await post(`/${booked.id}/reschedule`, { start, appointmentTypeId: long.id })).toMatchObject({
      status: 200,
      body: { start, end: '2026-11-03T19:00:00.000Z', appointmentTypeId: long.id, needsRescheduling: false },
    });
    await expectReservationsMatch();
    await call('PATCH', `/appointment-types/${long.id}`, { active: false });
    await revalidate();
    const short = await addType();
    expect(await change({ appointmentTypeId: short.id })).toMatchObject({
      status: 200,
      body: { needsRescheduling: false },
    });
    await expectReservationsMatch();
  });

  it('is not booked by a request that read it before, so no visit is missed', async () => {
    const { call, type, post, bookingRequest, addPatient, pauseCalls, revalidate, list } = await startBooked();
    const paused = pauseCalls();
    const booking = post('', bookingRequest('2026-11-03T20:00:00.000Z', { patientId: addPatient() }));
    await paused.received;
    await call('PATCH', `/appointment-types/${type.id}`, { active: false });
    paused.resume();
    expect(await booking).toMatchObject({ status: 422, body: { code: 'appointment-type-inactive' } });
    await revalidate();
    expect((await list({ needsRescheduling: 'false', status: 'booked' })).items).toEqual([]);
  });
});
