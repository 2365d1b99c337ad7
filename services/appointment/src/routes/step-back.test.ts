import { CLINIC_STAFF } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { stepBack } from '../domain/booking/step-back.ts';
import { openDaily, startClinic, UNKNOWN_ID } from '../testing.ts';

const problem = (status: number, code: string) => ({ status, body: { code } });
const START = '2026-11-03T16:00:00.000Z';
const body = { reason: 'the wrong line of the list' };

async function startBooked(rules: Parameters<typeof startClinic>[0] = {}) {
  const clinic = await startClinic(rules);
  const booked = await clinic.book(clinic.bookingRequest(START));
  clinic.time.now = Temporal.Instant.from('2026-11-03T16:02:00.000Z');
  const take = (step: string) =>
    clinic.post(`/${booked.id}/${step}`, step === 'cancel' ? { reason: 'called' } : undefined);
  return {
    ...clinic,
    booked,
    take,
    back: (headers?: Record<string, string>) => clinic.post(`/${booked.id}/step-back`, body, headers),
    status: async () => (await clinic.read(booked.id)).status,
    other: (start = START) => clinic.bookingRequest(start, { patientId: clinic.addPatient() }),
  };
}

describe('a step back', () => {
  it.each([
    ['arrive', 'arrived'],
    ['check-in', 'checked-in'],
    ['no-show', 'noshow'],
    ['cancel', 'cancelled'],
  ])('returns from %s to booked, with a reason in the history and an event', async (step, from) => {
    const { take, back, booked, read, history, outbox, expectReservationsMatch } = await startBooked();
    await take(step);
    const response = await back();
    expect(response).toMatchObject({ status: 200, headers: { etag: '"3"' } });
    expect(response.body).toEqual({ ...booked, version: 3, updatedAt: '2026-11-03T16:02:00.000Z' });
    expect(await read(booked.id)).toEqual(response.body);
    expect((await history(booked.id)).at(-1)).toEqual({
      at: '2026-11-03T16:02:00.000Z',
      by: { id: 'administrator', role: 'administrator' },
      action: 'stepped-back',
      sequence: 0,
      status: { from, to: 'booked' },
      reason: body.reason,
    });
    const { id, patientId, doctorId, appointmentTypeId, start, end } = booked;
    expect(JSON.parse((await outbox()).at(-1) ?? '')).toMatchObject({
      type: 'daybook.appointment.stepped-back.v1',
      subject: id,
      sequence: 3,
      data: { appointmentId: id, patientId, doctorId, appointmentTypeId, start, end, status: { from, to: 'booked' } },
    });
    expect((await outbox()).join()).not.toMatch(/reason|wrong line/);
    await expectReservationsMatch();
  });

  it('taken twice takes back one more step each time, and never goes below booked', async () => {
    const { take, back, status, expectReservationsMatch } = await startBooked();
    for (const step of ['arrive', 'check-in', 'fulfil']) expect(await take(step)).toMatchObject({ status: 200 });
    for (const before of ['checked-in', 'arrived', 'booked']) {
      expect(await back()).toMatchObject({ status: 200, body: { status: before } });
      expect(await status()).toBe(before);
    }
    expect(await back()).toMatchObject(problem(409, 'wrong-status'));
    await expectReservationsMatch();
  });

  it('lets a no-show that was set by mistake become an arrival', async () => {
    const { take, back } = await startBooked();
    await take('no-show');
    await back();
    for (const [step, status] of [
      ['arrive', 'arrived'],
      ['check-in', 'checked-in'],
      ['fulfil', 'fulfilled'],
    ] as const) {
      expect(await take(step)).toMatchObject({ status: 200, body: { status } });
    }
  });

  it('remembers the status before, however often steps were taken and taken back', async () => {
    const { take, back, status } = await startBooked();
    await take('arrive');
    for (let n = 0; n < 60; n += 1) {
      await take('check-in');
      await back();
    }
    expect(await status()).toBe('arrived');
    expect(await back()).toMatchObject({ status: 200, body: { status: 'booked' } });
  });

  it('does not take back a move', async () => {
    const { post, booked, take, back, time } = await startBooked();
    time.now = Temporal.Instant.from('2026-11-02T08:00:00.000Z');
    await post(`/${booked.id}/reschedule`, { start: '2026-11-03T18:00:00.000Z' });
    expect(await back()).toMatchObject(problem(409, 'wrong-status'));
    await take('cancel');
    expect(await back()).toMatchObject({ status: 200, body: { start: '2026-11-03T18:00:00.000Z', sequence: 1 } });
  });

  it('needs a reason and nothing else', async () => {
    const { post, booked, take, status } = await startBooked();
    await take('no-show');
    for (const wrong of [undefined, {}, { reason: ' ' }, { reason: 'x', to: 'arrived' }]) {
      expect(await post(`/${booked.id}/step-back`, wrong)).toMatchObject(problem(400, 'invalid-request'));
    }
    expect(await post(`/${UNKNOWN_ID}/step-back`, body)).toMatchObject(problem(404, 'not-found'));
    expect(await status()).toBe('noshow');
  });

  it('is harmless when it is sent again with its Idempotency-Key', async () => {
    const { take, back, history, booked } = await startBooked();
    await take('arrive');
    await take('check-in');
    const key = { 'idempotency-key': 'once' };
    const first = await back(key);
    expect(await back(key)).toMatchObject({
      status: 200,
      body: first.body,
      headers: { 'idempotency-replayed': 'true' },
    });
    expect(await history(booked.id)).toHaveLength(4);
  });

  it('is rejected with a stale If-Match', async () => {
    const { take, back, status } = await startBooked();
    await take('arrive');
    expect(await back({ 'if-match': '"1"' })).toMatchObject(problem(412, 'precondition-failed'));
    expect(await status()).toBe('arrived');
    expect(await back({ 'if-match': '"2"' })).toMatchObject({ status: 200 });
  });

  it('is for staff: a patient may not, nor may another service', async () => {
    const { dependencies, booked, take } = await startBooked();
    const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
    for (const role of ['patient', 'service'] as const) {
      await take('arrive');
      const refused = stepBack(
        dependencies,
        { id: role, role, patientIds: [], doctorId: booked.doctorId },
        booked.id,
        body,
        write,
      );
      await expect(refused).rejects.toMatchObject({ code: 'forbidden' });
    }
    for (const role of CLINIC_STAFF) {
      await take('arrive');
      expect(
        await stepBack(
          dependencies,
          { id: role, role, patientIds: [], doctorId: booked.doctorId },
          booked.id,
          body,
          write,
        ),
      ).toMatchObject({
        status: 'booked',
      });
    }
  });
});

describe('a cancellation that is taken back', () => {
  it('takes exactly its time again, with the buffers of its type', async () => {
    const { take, back, reservations, expectReservationsMatch } = await startBooked({
      bufferBeforeMinutes: 5,
      bufferAfterMinutes: 10,
    });
    const before = await reservations();
    await take('cancel');
    expect(await back()).toMatchObject({ status: 200 });
    expect(await reservations()).toEqual(before);
    await expectReservationsMatch();
  });

  it('is rejected with alternatives when its time is taken, and changes nothing', async () => {
    const { take, back, book, other, read, booked, expectReservationsMatch, time } = await startBooked();
    time.now = Temporal.Instant.from('2026-11-02T08:00:00.000Z');
    await take('cancel');
    await book(other());
    const cancelled = await read(booked.id);
    const response = await back();
    expect(response).toMatchObject(problem(409, 'slot-taken'));
    expect(response.body).toHaveProperty('alternatives.length', 5);
    expect(await read(booked.id)).toEqual(cancelled);
    await expectReservationsMatch();
  });

  it('is rejected when the patient has another appointment then', async () => {
    const { take, back, book, bookingRequest, addDoctor, expectReservationsMatch, time } = await startBooked();
    time.now = Temporal.Instant.from('2026-11-02T08:00:00.000Z');
    await take('cancel');
    await book(bookingRequest(START, { doctorId: addDoctor().id }));
    const response = await back();
    expect(response).toMatchObject(problem(409, 'patient-busy'));
    expect(response.body).toHaveProperty('alternatives.length', 5);
    await expectReservationsMatch();
  });

  it('is rejected more than seven days after the visit', async () => {
    const { take, back, time } = await startBooked();
    await take('cancel');
    time.now = Temporal.Instant.from('2026-11-10T16:30:00.001Z');
    expect(await back()).toMatchObject(problem(409, 'not-the-day'));
    time.now = Temporal.Instant.from('2026-11-10T16:30:00.000Z');
    expect(await back()).toMatchObject({ status: 200, body: { status: 'booked' } });
  });

  it('of a group takes a seat again, and none where all are taken', async () => {
    const { take, back, book, other, expectReservationsMatch, time } = await startBooked({ capacity: 2 });
    time.now = Temporal.Instant.from('2026-11-02T08:00:00.000Z');
    await book(other());
    await take('cancel');
    expect(await back()).toMatchObject({ status: 200 });
    await take('cancel');
    await book(other());
    expect(await back()).toMatchObject(problem(409, 'slot-taken'));
    await expectReservationsMatch();
  });
});

describe('a visit that is booked again', () => {
  it.each(['arrive', 'cancel'])('after %s is flagged where what it was booked on holds no more', async (step) => {
    const { take, back, doctor, changeDoctor, patientId, changePatient, read, booked, history } = await startBooked();
    await take(step);
    changeDoctor(doctor, { open: openDaily('18:00', '22:00') });
    changePatient(patientId, false);
    const reasons = ['outside-availability', 'patient-inactive'];
    expect(await back()).toMatchObject({
      status: 200,
      body: { needsRescheduling: true, reschedulingReasons: reasons },
    });
    expect(await read(booked.id)).toMatchObject({ status: 'booked', needsRescheduling: true });
    expect((await history(booked.id)).at(-1)).toMatchObject({ action: 'stepped-back', reschedulingReasons: reasons });
  });

  it('sees leave that is added meanwhile', async () => {
    const { take, back, doctor, changeDoctor, deliver, pauseCalls, booked, read } = await startBooked();
    await take('arrive');
    const { received, resume } = pauseCalls(2);
    const response = back();
    await received;
    const version = changeDoctor(doctor, { open: [] });
    await deliver('daybook.doctor.exception-added.v1', doctor.id, version);
    resume();
    expect(await response).toMatchObject({ status: 200 });
    expect(await read(booked.id)).toMatchObject({ reschedulingReasons: ['outside-availability'] });
  });

  it.each([
    ['out of use', false, ['appointment-type-inactive']],
    ['in use again', true, undefined],
  ] as const)('sees its type that is put %s meanwhile', async (_, active, reasons) => {
    const { take, back, call, type, pauseCalls, revalidate, booked, read } = await startBooked();
    const changeType = (patch: object) => call('PATCH', `/appointment-types/${type.id}`, patch);
    await take('arrive');
    await changeType({ active: !active });
    const { received, resume } = pauseCalls(2);
    const response = back();
    await received;
    await changeType({ active });
    // The revalidation finds the visit arrived, and leaves it.
    await revalidate();
    resume();
    expect(await response).toMatchObject({ status: 200, body: { needsRescheduling: !active } });
    expect((await read(booked.id)).reschedulingReasons).toEqual(reasons);
  });

  it('waits for no other service where it is not to come again', async () => {
    const { take, back, state } = await startBooked();
    await take('arrive');
    await take('check-in');
    state.down = true;
    expect(await back()).toMatchObject({ status: 200, body: { status: 'arrived' } });
    expect(await back()).toMatchObject(problem(503, 'service-unavailable'));
  });
});

describe('a step back at the same time as', () => {
  const statuses = (responses: readonly { status: number }[]) => responses.map(({ status }) => status).toSorted();

  it('another one takes back one step, and the second is refused', async () => {
    const { take, back, pauseCalls, history, booked, status } = await startBooked();
    await take('arrive');
    const { received, resume } = pauseCalls(4);
    const both = [back(), back()];
    await received;
    resume();
    const responses = await Promise.all(both);
    expect(statuses(responses)).toEqual([200, 409]);
    expect(responses.find(({ status }) => status === 409)).toMatchObject(problem(409, 'changed-meanwhile'));
    expect(await status()).toBe('booked');
    expect(await history(booked.id)).toHaveLength(3);
  });

  it('another step leaves one consistent end', async () => {
    for (const stepFirst of [true, false]) {
      const { take, back, status, history, booked, expectReservationsMatch } = await startBooked();
      await take('arrive');
      const requests = stepFirst ? [() => take('check-in'), back] : [back, () => take('check-in')];
      const responses = await Promise.all(requests.map((request) => request()));
      for (const { status, body } of responses) {
        if (status !== 200) expect({ status, body }).toMatchObject(problem(409, 'changed-meanwhile'));
      }
      const done = responses.filter(({ status }) => status === 200).length;
      expect(await history(booked.id)).toHaveLength(2 + done);
      // Both took effect in either order, or the step alone did.
      expect(['arrived', 'checked-in']).toContain(await status());
      await expectReservationsMatch();
    }
  });

  it('bookings of the time that a cancellation freed: one of them has it', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { take, back, post, other, status, time, expectReservationsMatch } = await startBooked();
      time.now = Temporal.Instant.from('2026-11-02T08:00:00.000Z');
      await take('cancel');
      const [response, ...bookings] = await Promise.all([back(), post('', other()), post('', other())]);
      const won = [response.status === 200, ...bookings.map(({ status }) => status === 201)];
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await status()).toBe(response.status === 200 ? 'booked' : 'cancelled');
      if (response.status !== 200) expect(response).toMatchObject(problem(409, 'slot-taken'));
      await expectReservationsMatch();
    }
  });

  it('many others of one cancellation takes the time once', async () => {
    const { take, back, outbox, expectReservationsMatch } = await startBooked();
    await take('cancel');
    const responses = await Promise.all(Array.from({ length: 6 }, () => back()));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of responses.filter(({ status }) => status !== 200)) {
      expect(status).toBe(409);
      expect(['changed-meanwhile', 'wrong-status']).toContain(Object(body).code);
    }
    expect(await outbox()).toHaveLength(3);
    await expectReservationsMatch();
  });
});
