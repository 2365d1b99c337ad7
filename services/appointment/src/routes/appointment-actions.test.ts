import { describe, expect, it } from 'vitest';
import { createAppointmentStore } from '../store/appointments.ts';
import { startClinic, UNKNOWN_ID } from '../testing.ts';

const problem = (status: number, code: string) => ({ status, body: { code } });
const BOOKED_AT = '2026-11-03T16:00:00.000Z';
const MORNING = Temporal.Instant.from('2026-11-03T14:00:00.000Z');

async function startBooked(rules: Parameters<typeof startClinic>[0] = {}) {
  const clinic = await startClinic(rules);
  const before = await clinic.reservations();
  return { ...clinic, before, booked: await clinic.book(clinic.bookingRequest(BOOKED_AT)) };
}

describe('to cancel', () => {
  it('keeps the appointment and frees exactly its time', async () => {
    const clinic = await startClinic({ bufferBeforeMinutes: 5, bufferAfterMinutes: 10 });
    await clinic.book(clinic.bookingRequest('2026-11-03T14:30:00.000Z'));
    await clinic.book(clinic.bookingRequest('2026-11-03T16:45:00.000Z', { patientId: clinic.addPatient() }));
    const before = await clinic.reservations();
    const { id, ...booked } = await clinic.book(clinic.bookingRequest(BOOKED_AT));
    expect((await clinic.reservations()).length).toBe(before.length + 9 + 6);
    clinic.time.now = clinic.time.now.add({ minutes: 1 });
    const response = await clinic.post(`/${id}/cancel`, { reason: 'ill' });
    expect(response).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    const cancelled = { ...booked, id, status: 'cancelled', version: 2, updatedAt: '2026-11-02T08:01:00.000Z' };
    expect(response.body).toEqual(cancelled);
    expect(await clinic.read(id)).toEqual(cancelled);
    expect(await clinic.reservations()).toEqual(before);
    await clinic.expectReservationsMatch();
    await clinic.book(clinic.bookingRequest(BOOKED_AT, { patientId: clinic.addPatient() }));
  });

  it('what is cancelled already changes nothing', async () => {
    const { post, booked, history, outbox } = await startBooked();
    const first = await post(`/${booked.id}/cancel`, { reason: 'ill' });
    const again = await post(`/${booked.id}/cancel`, { reason: 'another reason' });
    expect(again).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect(again.body).toEqual(first.body);
    expect(await history(booked.id)).toHaveLength(2);
    expect(await outbox()).toHaveLength(2);
  });

  it('many times at once is one cancellation', async () => {
    const { post, booked, outbox, reservations, before } = await startBooked();
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => post(`/${booked.id}/cancel`, { reason: 'ill' })),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array<number>(10).fill(200));
    expect(await outbox()).toHaveLength(2);
    expect(await reservations()).toEqual(before);
  });

  it('needs a reason and nothing else', async () => {
    const { post, booked, read } = await startBooked();
    for (const body of [{}, { reason: ' ' }, { reason: 'ill', force: true }]) {
      expect(await post(`/${booked.id}/cancel`, body)).toMatchObject(problem(400, 'invalid-request'));
    }
    expect(await read(booked.id)).toEqual(booked);
  });

  it('is for staff at any time before the visit', async () => {
    const { post, booked, time } = await startBooked({ cancellationDeadlineMinutes: 1440 });
    time.now = Temporal.Instant.from('2026-11-03T15:59:00.000Z');
    expect(await post(`/${booked.id}/cancel`, { reason: 'ill' })).toMatchObject({ status: 200 });
  });
});

describe('to reschedule', () => {
  it('moves the appointment, frees the old time and publishes both times', async () => {
    const { post, booked, read, history, time, book, bookingRequest, addPatient, expectReservationsMatch } =
      await startBooked();
    time.now = time.now.add({ minutes: 1 });
    const response = await post(`/${booked.id}/reschedule`, { start: '2026-11-03T19:00:00+02:00' });
    const moved = {
      ...booked,
      start: '2026-11-03T17:00:00.000Z',
      end: '2026-11-03T17:30:00.000Z',
      sequence: 1,
      version: 2,
      updatedAt: '2026-11-02T08:01:00.000Z',
    };
    expect(response).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect(response.body).toEqual(moved);
    expect(await read(booked.id)).toEqual(moved);
    const { doctorId } = booked;
    expect((await history(booked.id))[1]).toEqual({
      at: '2026-11-02T08:01:00.000Z',
      by: { id: 'administrator', role: 'administrator' },
      action: 'rescheduled',
      sequence: 1,
      from: { doctorId, start: booked.start, end: booked.end },
      to: { doctorId, start: moved.start, end: moved.end },
    });
    await expectReservationsMatch();
    await book(bookingRequest(BOOKED_AT, { patientId: addPatient() }));
  });

  it('by fifteen minutes onto a part of its own time works', async () => {
    const { post, booked, expectReservationsMatch } = await startBooked({ bufferAfterMinutes: 10 });
    for (const start of ['2026-11-03T16:15:00.000Z', '2026-11-03T16:05:00.000Z']) {
      expect(await post(`/${booked.id}/reschedule`, { start })).toMatchObject({ status: 200, body: { start } });
      await expectReservationsMatch();
    }
  });

  it('to where it is changes nothing', async () => {
    const { post, booked, read, history, outbox, doctor } = await startBooked();
    for (const doctorId of [undefined, doctor.id, doctor.id.toUpperCase()]) {
      const response = await post(`/${booked.id}/reschedule`, { start: BOOKED_AT, ...(doctorId && { doctorId }) });
      expect(response).toMatchObject({ status: 200, headers: { etag: '"1"' } });
      expect(response.body).toEqual(booked);
    }
    expect(await read(booked.id)).toEqual(booked);
    expect(await history(booked.id)).toHaveLength(1);
    expect(await outbox()).toHaveLength(1);
  });

  it('to another doctor takes the zone of that doctor', async () => {
    const { post, booked, addDoctor, expectReservationsMatch, history } = await startBooked();
    const doctorId = addDoctor({ timeZone: 'Europe/Lisbon' }).id;
    expect(await post(`/${booked.id}/reschedule`, { start: BOOKED_AT, doctorId })).toMatchObject({
      status: 200,
      body: { doctorId, start: BOOKED_AT, timeZone: 'Europe/Lisbon', sequence: 1 },
    });
    expect((await history(booked.id))[1]).toMatchObject({ from: { doctorId: booked.doctorId }, to: { doctorId } });
    await expectReservationsMatch();
  });

  it('to a taken time is refused with alternatives, and the old time is kept', async () => {
    const clinic = await startBooked();
    await clinic.book(clinic.bookingRequest('2026-11-03T17:00:00.000Z', { patientId: clinic.addPatient() }));
    const before = await clinic.reservations();
    const response = await clinic.post(`/${clinic.booked.id}/reschedule`, { start: '2026-11-03T17:15:00.000Z' });
    expect(response).toMatchObject({ ...problem(409, 'slot-taken') });
    expect(response.body).toHaveProperty('alternatives.length', 5);
    expect(await clinic.read(clinic.booked.id)).toEqual(clinic.booked);
    expect(await clinic.reservations()).toEqual(before);
  });

  it('is refused like a booking, and changes nothing', async () => {
    const clinic = await startBooked();
    const inactive = clinic.addDoctor({ active: false }).id;
    const busy = clinic.addDoctor().id;
    await clinic.book(clinic.bookingRequest('2026-11-03T18:00:00.000Z', { doctorId: busy }));
    const attempts: [object, number, string][] = [
      [{ start: '2026-11-03T17:01:00.000Z' }, 422, 'not-on-grid'],
      [{ start: '2026-11-02T07:00:00.000Z' }, 422, 'too-soon'],
      [{ start: '2027-06-03T16:00:00.000Z' }, 422, 'too-far-ahead'],
      [{ start: '9999-12-31T23:55:00.000Z' }, 422, 'too-far-ahead'],
      [{ start: '2026-11-03T12:00:00.000Z' }, 422, 'outside-availability'],
      [{ start: '2026-11-03T18:00:00.000Z' }, 409, 'patient-busy'],
      [{ start: BOOKED_AT, doctorId: inactive }, 422, 'doctor-inactive'],
      [{ start: BOOKED_AT, doctorId: UNKNOWN_ID }, 422, 'doctor-not-found'],
      [{ start: '2026-11-03T17:00:00' }, 400, 'invalid-request'],
      [{ doctorId: busy }, 400, 'invalid-request'],
    ];
    for (const [body, status, code] of attempts) {
      expect(await clinic.post(`/${clinic.booked.id}/reschedule`, body)).toMatchObject(problem(status, code));
    }
    expect(await clinic.read(clinic.booked.id)).toEqual(clinic.booked);
    await clinic.expectReservationsMatch();
  });

  it('makes one of two requests for one time lose and keep the old time', async () => {
    const clinic = await startBooked();
    const other = await clinic.book(
      clinic.bookingRequest('2026-11-03T18:00:00.000Z', { patientId: clinic.addPatient() }),
    );
    const responses = await Promise.all(
      [clinic.booked, other].map(({ id }) => clinic.post(`/${id}/reschedule`, { start: '2026-11-03T20:00:00.000Z' })),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
    await clinic.expectReservationsMatch();
  });

  it('lets two patients change places through a free time', async () => {
    const clinic = await startBooked();
    const other = await clinic.book(
      clinic.bookingRequest('2026-11-03T18:00:00.000Z', { patientId: clinic.addPatient() }),
    );
    for (const [id, start] of [
      [clinic.booked.id, '2026-11-03T20:00:00.000Z'],
      [other.id, BOOKED_AT],
      [clinic.booked.id, '2026-11-03T18:00:00.000Z'],
    ]) {
      expect(await clinic.post(`/${id}/reschedule`, { start })).toMatchObject({ status: 200 });
    }
    await clinic.expectReservationsMatch();
  });

  it('is refused when the appointment is cancelled while the doctor is loaded', async () => {
    const { post, booked, read, reservations, before, pauseCalls, outbox } = await startBooked();
    const { received, resume } = pauseCalls();
    const moving = post(`/${booked.id}/reschedule`, { start: '2026-11-03T17:00:00.000Z' });
    await received;
    expect(await post(`/${booked.id}/cancel`, { reason: 'ill' })).toMatchObject({ status: 200 });
    resume();
    expect(await moving).toMatchObject(problem(409, 'wrong-status'));
    expect(await read(booked.id)).toMatchObject({ status: 'cancelled', start: BOOKED_AT, version: 2 });
    expect(await reservations()).toEqual(before);
    expect(await outbox()).toHaveLength(2);
  });

  it('refuses the second of two simultaneous moves', async () => {
    const { post, booked, read, pauseCalls, expectReservationsMatch } = await startBooked();
    // Each request reads the patient and the doctor.
    const { received, resume } = pauseCalls(4);
    const first = post(`/${booked.id}/reschedule`, { start: '2026-11-03T17:00:00.000Z' });
    const second = post(`/${booked.id}/reschedule`, { start: '2026-11-03T18:00:00.000Z' });
    await received;
    resume();
    const responses = await Promise.all([first, second]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(responses.find(({ status }) => status === 409)).toMatchObject(problem(409, 'changed-meanwhile'));
    expect(await read(booked.id)).toMatchObject({ sequence: 1, version: 2 });
    await expectReservationsMatch();
  });

  it('and to cancel at once leave one consistent end, in which the old time is free', async () => {
    for (const cancelFirst of [true, false]) {
      const { post, booked, read, book, bookingRequest, addPatient, expectReservationsMatch } = await startBooked();
      const move = () => post(`/${booked.id}/reschedule`, { start: '2026-11-03T17:00:00.000Z' });
      const cancel = () => post(`/${booked.id}/cancel`, { reason: 'ill' });
      const [first, second] = cancelFirst ? [cancel, move] : [move, cancel];
      const responses = await Promise.all([first(), second(), first(), second()]);
      for (const { status, body } of responses) {
        expect([200, 409]).toContain(status);
        if (status === 409) expect(body).toMatchObject({ code: 'wrong-status' });
      }
      expect((await read(booked.id)).status).toBe('cancelled');
      await expectReservationsMatch();
      await book(bookingRequest(BOOKED_AT, { patientId: addPatient() }));
      await book(bookingRequest('2026-11-03T17:00:00.000Z', { patientId: addPatient() }));
    }
  });
});

describe('the steps of the day', () => {
  it('go from booked to arrived, checked in and fulfilled', async () => {
    const { post, booked, read, time, expectReservationsMatch } = await startBooked();
    const statuses = [];
    time.now = Temporal.Instant.from(BOOKED_AT);
    for (const step of ['arrive', 'check-in', 'fulfil']) {
      const { status, body } = await post(`/${booked.id}/${step}`);
      expect(status).toBe(200);
      expect(await read(booked.id)).toEqual(body);
      statuses.push((await read(booked.id)).status);
    }
    expect(statuses).toEqual(['arrived', 'checked-in', 'fulfilled']);
    expect(await read(booked.id)).toMatchObject({ sequence: 0, version: 4, start: booked.start });
    await expectReservationsMatch();
  });

  it('mark a patient who did not come', async () => {
    const { post, booked, time } = await startBooked();
    time.now = Temporal.Instant.from(BOOKED_AT);
    expect(await post(`/${booked.id}/no-show`)).toMatchObject({ status: 200, body: { status: 'noshow' } });
  });

  it.each(['arrive', 'check-in'])('are taken on the day of the visit and not ahead: %s', async (step) => {
    const { post, booked, read, time, history } = await startBooked();
    for (const now of ['2026-11-02T08:00:00.000Z', '2026-11-03T04:59:59.000Z', '2026-11-04T05:00:00.000Z']) {
      time.now = Temporal.Instant.from(now);
      expect(await post(`/${booked.id}/${step}`)).toMatchObject(problem(409, 'not-the-day'));
    }
    expect(await read(booked.id)).toEqual(booked);
    expect(await history(booked.id)).toHaveLength(1);
    time.now = Temporal.Instant.from('2026-11-03T05:00:00.000Z');
    expect(await post(`/${booked.id}/${step}`)).toMatchObject({ status: 200 });
  });

  it('note the day after that a visit took place, also where no arrival was noted', async () => {
    const { post, booked, time } = await startBooked();
    time.now = Temporal.Instant.from('2026-11-04T09:00:00.000Z');
    expect(await post(`/${booked.id}/fulfil`)).toMatchObject({ status: 200, body: { status: 'fulfilled' } });
  });

  it('do not end a visit that has not begun, and change nothing', async () => {
    const { post, booked, read, time, reservations } = await startBooked();
    time.now = Temporal.Instant.from(BOOKED_AT).subtract({ seconds: 1 });
    const taken = await reservations();
    expect(await post(`/${booked.id}/no-show`)).toMatchObject(problem(409, 'wrong-status'));
    expect(await read(booked.id)).toEqual(booked);
    await post(`/${booked.id}/check-in`);
    const checkedIn = await read(booked.id);
    expect(await post(`/${booked.id}/fulfil`)).toMatchObject(problem(409, 'wrong-status'));
    expect(await read(booked.id)).toEqual(checkedIn);
    expect(await reservations()).toEqual(taken);
  });

  it.each(['arrive', 'check-in', 'fulfil', 'no-show'])(
    'take no body, and refuse one with content: %s',
    async (step) => {
      const { post, booked, read } = await startBooked();
      const response = await post(`/${booked.id}/${step}`, { bogus: 1 });
      expect(response).toMatchObject({
        status: 400,
        body: { code: 'invalid-request', errors: [{ pointer: '/bogus', message: 'is not known here' }] },
      });
      expect(await post(`/${booked.id}/${step}`, ['bogus'])).toMatchObject(problem(400, 'invalid-request'));
      expect(await read(booked.id)).toEqual(booked);
    },
  );

  it('take an empty body for none', async () => {
    const { post, booked, time } = await startBooked();
    time.now = MORNING;
    expect(await post(`/${booked.id}/arrive`, {})).toMatchObject({ status: 200 });
  });

  it('are refused where the status does not allow them, and change nothing', async () => {
    const { post, booked, read, history, outbox, time } = await startBooked();
    time.now = MORNING;
    expect(await post(`/${booked.id}/fulfil`)).toMatchObject(problem(409, 'wrong-status'));
    await post(`/${booked.id}/arrive`);
    const arrived = await read(booked.id);
    const refused: [string, object?][] = [
      ['arrive'],
      ['no-show'],
      ['cancel', { reason: 'ill' }],
      ['reschedule', { start: '2026-11-03T17:00:00.000Z' }],
    ];
    for (const [step, body] of refused) {
      expect(await post(`/${booked.id}/${step}`, body)).toMatchObject(problem(409, 'wrong-status'));
    }
    expect(await read(booked.id)).toEqual(arrived);
    expect(await history(booked.id)).toHaveLength(2);
    expect(await outbox()).toHaveLength(2);
  });

  it('happen once when two take the same step at once', async () => {
    const { post, booked, history, time } = await startBooked();
    time.now = MORNING;
    const responses = await Promise.all([post(`/${booked.id}/arrive`), post(`/${booked.id}/arrive`)]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await history(booked.id)).toHaveLength(2);
  });

  it('are harmless when they are sent again with their Idempotency-Key', async () => {
    const { post, booked, history, time } = await startBooked();
    time.now = MORNING;
    const steps: [string, object?][] = [
      ['reschedule', { start: '2026-11-03T17:00:00.000Z' }],
      ['arrive'],
      ['check-in'],
      ['fulfil'],
    ];
    for (const [step, body] of steps) {
      const headers = { 'idempotency-key': step };
      if (step === 'fulfil') time.now = Temporal.Instant.from('2026-11-03T17:00:00.000Z');
      const first = await post(`/${booked.id}/${step}`, body, headers);
      const again = await post(`/${booked.id}/${step}`, body, headers);
      expect(again).toMatchObject({ status: 200, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    }
    expect(await history(booked.id)).toHaveLength(5);
  });

  it('are of an appointment that is there', async () => {
    const { post, call } = await startBooked();
    const steps: [string, object?][] = [
      ['arrive'],
      ['check-in'],
      ['fulfil'],
      ['no-show'],
      ['cancel', { reason: 'ill' }],
      ['reschedule', { start: '2026-11-03T17:00:00.000Z' }],
    ];
    for (const [step, body] of steps) {
      expect(await post(`/${UNKNOWN_ID}/${step}`, body)).toMatchObject(problem(404, 'not-found'));
    }
    for (const path of [UNKNOWN_ID, `${UNKNOWN_ID}/history`, 'x']) {
      expect(await call('GET', `/appointments/${path}`)).toMatchObject(problem(404, 'not-found'));
    }
  });
});

describe('an appointment and its steps', () => {
  it('take no query parameters', async () => {
    const { post, call, booked, read } = await startBooked();
    const refused = { status: 400, body: { code: 'invalid-request', errors: [{ pointer: '/x' }] } };
    for (const path of [`/appointments/${booked.id}`, `/appointments/${booked.id}/history`]) {
      expect(await call('GET', `${path}?x=1`)).toMatchObject(refused);
    }
    expect(await post(`/${booked.id}/arrive?x=1`)).toMatchObject(refused);
    expect(await post(`/${booked.id}/cancel?x=1`, { reason: 'ill' })).toMatchObject(refused);
    expect(await call('GET', `/appointment-types/${booked.appointmentTypeId}?x=1`)).toMatchObject(refused);
    expect(await read(booked.id)).toEqual(booked);
  });
});

describe('a change of an appointment that was changed since it was read', () => {
  it.for([
    ['cancel', { reason: 'ill' }],
    ['reschedule', { start: '2026-11-03T18:00:00.000Z' }],
    ['arrive', undefined],
  ] as const)('is refused: %s with a stale If-Match', async ([step, body]) => {
    const { post, booked, read, time } = await startBooked();
    time.now = MORNING;
    await post(`/${booked.id}/reschedule`, { start: '2026-11-03T17:00:00.000Z' });
    const now = await read(booked.id);
    const stale = await post(`/${booked.id}/${step}`, body, { 'if-match': '"1"' });
    expect(stale).toMatchObject(problem(412, 'precondition-failed'));
    expect(await read(booked.id)).toEqual(now);
    expect(await post(`/${booked.id}/${step}`, body, { 'if-match': '"2"' })).toMatchObject({ status: 200 });
  });
});

describe('the history', () => {
  it('has every change, oldest first, with its caller and reason', async () => {
    const { post, booked, history, database, clock, time } = await startBooked();
    const { doctorId, start, end } = booked;
    time.now = time.now.add({ minutes: 1 });
    await post(`/${booked.id}/reschedule`, { start: '2026-11-03T17:00:00.000Z' });
    const desk = { id: 'desk-3', role: 'front-desk', patientIds: [] } as const;
    const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
    time.now = time.now.add({ minutes: 1 });
    await createAppointmentStore(database, clock).cancel(desk, booked.id, { reason: 'called' }, write);
    const administrator = { id: 'administrator', role: 'administrator' };
    const to = { doctorId, start: '2026-11-03T17:00:00.000Z', end: '2026-11-03T17:30:00.000Z' };
    expect(await history(booked.id)).toEqual([
      {
        at: '2026-11-02T08:00:00.000Z',
        by: administrator,
        action: 'booked',
        sequence: 0,
        to: { doctorId, start, end },
      },
      {
        at: '2026-11-02T08:01:00.000Z',
        by: administrator,
        action: 'rescheduled',
        sequence: 1,
        from: { doctorId, start, end },
        to,
      },
      {
        at: '2026-11-02T08:02:00.000Z',
        by: { id: 'desk-3', role: 'front-desk' },
        action: 'cancelled',
        sequence: 1,
        reason: 'called',
      },
    ]);
  });
});

describe('the events of an appointment', () => {
  it('describe each step in order, with ids and times', async () => {
    const { post, booked, outbox, time } = await startBooked();
    await post(`/${booked.id}/reschedule`, { start: '2026-11-03T17:00:00.000Z' });
    time.now = Temporal.Instant.from('2026-11-03T17:00:00.000Z');
    for (const step of ['arrive', 'check-in', 'fulfil']) await post(`/${booked.id}/${step}`);
    const { id, patientId, doctorId, appointmentTypeId, start, end } = booked;
    const moved = { start: '2026-11-03T17:00:00.000Z', end: '2026-11-03T17:30:00.000Z' };
    const ids = { appointmentId: id, patientId, doctorId, appointmentTypeId };
    const expected: [string, object][] = [
      ['booked', { ...ids, start, end }],
      ['rescheduled', { ...ids, ...moved, previous: { doctorId, start, end } }],
      ['arrived', { ...ids, ...moved }],
      ['checked-in', { ...ids, ...moved }],
      ['fulfilled', { ...ids, ...moved }],
    ];
    const events = (await outbox()).map((event): unknown => JSON.parse(event));
    expect(events).toEqual(
      expected.map(([kind, data], index) =>
        expect.objectContaining({
          specversion: '1.0',
          type: `daybook.appointment.${kind}.v1`,
          source: '/services/appointment',
          subject: id,
          sequence: index + 1,
          time: index < 2 ? '2026-11-02T08:00:00.000Z' : '2026-11-03T17:00:00.000Z',
          data,
        }),
      ),
    );
  });

  it('describe a cancellation and a no-show', async () => {
    const { post, booked, book, bookingRequest, outbox, time } = await startBooked();
    const other = await book(bookingRequest('2026-11-03T18:00:00.000Z'));
    await post(`/${booked.id}/cancel`, { reason: 'ill' });
    time.now = Temporal.Instant.from('2026-11-03T18:00:00.000Z');
    await post(`/${other.id}/no-show`);
    const types = (await outbox()).map((event): unknown => JSON.parse(event).type);
    expect(types).toEqual(['booked', 'booked', 'cancelled', 'noshow'].map((kind) => `daybook.appointment.${kind}.v1`));
  });

  it('hold no reason of a visit or a cancellation', async () => {
    const { post, bookingRequest, outbox, list } = await startBooked();
    await post('', { ...bookingRequest('2026-11-03T18:00:00.000Z'), reason: 'a very private matter' });
    const { items } = await list({});
    for (const { id } of items) await post(`/${id}/cancel`, { reason: 'an even more private matter' });
    const stored = (await outbox()).join();
    expect(await outbox()).toHaveLength(4);
    expect(stored).not.toMatch(/private|reason/);
  });
});

describe('a patient', () => {
  it('finds no appointment of others in the store, and takes no step', async () => {
    const { database, clock, booked } = await startBooked();
    const store = createAppointmentStore(database, clock);
    const patient = { id: booked.patientId, role: 'patient', patientIds: [] } as const;
    const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
    expect(await store.find(patient, booked.id)).toBeUndefined();
    const cancelled = store.cancel(patient, booked.id, { reason: 'ill' }, write);
    await expect(cancelled).rejects.toMatchObject({ code: 'not-found' });
    const arrived = store.takeStep(patient, booked.id, 'arrive', write);
    await expect(arrived).rejects.toMatchObject({ code: 'forbidden' });
  });
});
