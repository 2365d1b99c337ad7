import { CLINIC_STAFF, instantText, ROLES } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { bookAppointment, holdSlot } from '../domain/booking/book.ts';
import { explainStart } from '../domain/slots/explanation.ts';
import { searchSlots } from '../domain/slots/search.ts';
import { readAppointment, readHold, startClinic } from '../testing.ts';

const problem = (status: number, code: string) => ({ status, body: { code } });
const RUNNING = '2026-11-03T16:00:00.000Z';
const NEXT = '2026-11-03T16:05:00.000Z';
const BEFORE = '2026-11-03T15:55:00.000Z';
const walkIn = true;

async function startWaiting(rules: Parameters<typeof startClinic>[0] = {}) {
  const clinic = await startClinic(rules);
  clinic.time.now = Temporal.Instant.from('2026-11-03T16:03:30.000Z');
  const { doctor, type, call } = clinic;
  const createHold = (start: string, more: object = {}) =>
    call('POST', '/holds', { doctorId: doctor.id, appointmentTypeId: type.id, start, ...more });
  const around = {
    ...{
      doctorId: doctor.id,
      appointmentTypeId: type.id,
      from: '2026-11-03T15:30:00.000Z',
      to: '2026-11-03T17:30:00.000Z',
    },
    limit: '100',
  };
  const starts = async (more: Record<string, string> = {}) =>
    (await clinic.slots({ ...around, ...more })).map(({ start }) => start);
  return { ...clinic, createHold, starts };
}

describe('a walk-in', () => {
  it('is booked for the current five minutes, with a trace in the history', async () => {
    const { post, bookingRequest, history, expectReservationsMatch } = await startWaiting();
    expect(await post('', bookingRequest(RUNNING))).toMatchObject(problem(422, 'too-soon'));
    const response = await post('', { ...bookingRequest(RUNNING), walkIn });
    expect(response).toMatchObject({ status: 201, body: { status: 'booked', start: RUNNING } });
    const { id } = readAppointment(response.body);
    expect(await history(id)).toMatchObject([{ action: 'booked', walkIn: true }]);
    expect(await post(`/${id}/arrive`)).toMatchObject({ status: 200 });
    await expectReservationsMatch();
  });

  it('needs no notice, whatever the type requires, and lifts it for no other time', async () => {
    const { post, bookingRequest } = await startWaiting({ minimumNoticeMinutes: 30 });
    for (const start of [BEFORE, NEXT, '2026-11-03T16:30:00.000Z']) {
      expect(await post('', { ...bookingRequest(start), walkIn })).toMatchObject(problem(422, 'too-soon'));
    }
    expect(await post('', { ...bookingRequest(RUNNING), walkIn })).toMatchObject({ status: 201 });
  });

  it('that is requested at another time is a booking like any other', async () => {
    const { post, bookingRequest, history } = await startWaiting();
    const { id } = readAppointment((await post('', { ...bookingRequest('2026-11-03T18:00:00.000Z'), walkIn })).body);
    expect((await history(id))[0]).not.toHaveProperty('walkIn');
  });

  it('is the first instant of the five minutes until the last', async () => {
    const { post, bookingRequest, time, addPatient, addDoctor } = await startWaiting();
    for (const [now, status] of [
      ['2026-11-03T15:59:59.999Z', 201],
      ['2026-11-03T16:00:00.000Z', 201],
      ['2026-11-03T16:04:59.999Z', 201],
      ['2026-11-03T16:05:00.000Z', 422],
    ] as const) {
      time.now = Temporal.Instant.from(now);
      const someone = bookingRequest(RUNNING, { patientId: addPatient(), doctorId: addDoctor().id });
      expect(await post('', { ...someone, walkIn })).toMatchObject({ status });
    }
  });

  it('goes over no other rule, and is refused with alternatives that can be booked', async () => {
    const { post, bookingRequest, addPatient, addDoctor, time } = await startWaiting();
    await post('', { ...bookingRequest(RUNNING), walkIn });
    const refused = await post('', { ...bookingRequest(RUNNING, { patientId: addPatient() }), walkIn });
    expect(refused).toMatchObject(problem(409, 'slot-taken'));
    expect(refused.body).toHaveProperty('alternatives.length', 5);
    const elsewhere = bookingRequest(RUNNING, { doctorId: addDoctor().id });
    expect(await post('', { ...elsewhere, walkIn })).toMatchObject(problem(409, 'patient-busy'));
    time.now = Temporal.Instant.from('2026-11-03T13:57:00.000Z');
    const early = bookingRequest('2026-11-03T13:55:00.000Z', { patientId: addPatient() });
    expect(await post('', { ...early, walkIn })).toMatchObject(problem(422, 'outside-availability'));
  });

  it('can be overbooked like any other visit', async () => {
    const { post, bookingRequest, addPatient, history, expectReservationsMatch } = await startWaiting();
    await post('', { ...bookingRequest(RUNNING), walkIn });
    const overbooking = { reason: 'bleeding' };
    const response = await post('', { ...bookingRequest(RUNNING, { patientId: addPatient() }), walkIn, overbooking });
    expect(response).toMatchObject({ status: 201 });
    const { id } = readAppointment(response.body);
    expect(await history(id)).toMatchObject([{ walkIn: true, overbooked: true, reason: 'bleeding' }]);
    await expectReservationsMatch();
  });

  it('can be held, and booked with the hold', async () => {
    const { createHold, post, bookingRequest, expectReservationsMatch } = await startWaiting({
      minimumNoticeMinutes: 60,
    });
    expect(await createHold(RUNNING)).toMatchObject(problem(422, 'too-soon'));
    const { id: holdId } = readHold((await createHold(RUNNING, { walkIn })).body);
    expect(await post('', { ...bookingRequest(RUNNING), walkIn })).toMatchObject(problem(409, 'slot-taken'));
    expect(await post('', { ...bookingRequest(RUNNING), walkIn, holdId })).toMatchObject({ status: 201 });
    await expectReservationsMatch();
  });

  it('can be where an appointment is moved to', async () => {
    const { post, bookingRequest, book, history, expectReservationsMatch } = await startWaiting();
    const { id } = await book(bookingRequest('2026-11-03T18:00:00.000Z'));
    expect(await post(`/${id}/reschedule`, { start: RUNNING })).toMatchObject(problem(422, 'too-soon'));
    expect(await post(`/${id}/reschedule`, { start: RUNNING, walkIn })).toMatchObject({ status: 200 });
    expect((await history(id)).at(-1)).toMatchObject({ action: 'rescheduled', walkIn: true });
    await expectReservationsMatch();
  });

  it('is booked once by two requests for the same five minutes', async () => {
    const { post, bookingRequest, addPatient, expectReservationsMatch } = await startWaiting();
    const both = [1, 2].map(() => post('', { ...bookingRequest(RUNNING, { patientId: addPatient() }), walkIn }));
    expect((await Promise.all(both)).map(({ status }) => status).toSorted()).toEqual([201, 409]);
    await expectReservationsMatch();
  });
});

describe('the slots and the explanation of a walk-in', () => {
  it.each([0, 15, 60])('are what is booked, with a notice of %i minutes', async (minimumNoticeMinutes) => {
    const { starts, post, bookingRequest, explain } = await startWaiting({ minimumNoticeMinutes });
    const shown = await starts({ walkIn: 'true' });
    expect(shown).toEqual([RUNNING, ...(await starts())]);
    for (let minutes = -30; minutes < 90; minutes += 5) {
      const start = instantText(Temporal.Instant.from(RUNNING).add({ minutes }));
      const { bookable } = await explain({ ...bookingRequest(start), walkIn: 'true' });
      expect({ start, bookable }).toEqual({ start, bookable: shown.includes(start) });
      const response = await post('', { ...bookingRequest(start), walkIn });
      expect({ start, status: response.status }).toEqual({ start, status: bookable ? 201 : 422 });
      if (response.status === 201) await post(`/${readAppointment(response.body).id}/cancel`, { reason: 'only tried' });
    }
  });

  it('show the five minutes once where they begin now', async () => {
    const { starts, time } = await startWaiting();
    time.now = Temporal.Instant.from(RUNNING);
    expect((await starts({ walkIn: 'true' })).slice(0, 2)).toEqual([RUNNING, NEXT]);
  });

  it('show nothing before the requested range', async () => {
    const { starts } = await startWaiting();
    expect((await starts({ walkIn: 'true', from: '2026-11-03T16:03:00.000Z' }))[0]).toBe(NEXT);
  });

  it('name the current five minutes among the alternatives', async () => {
    const { explain, bookingRequest } = await startWaiting({ minimumNoticeMinutes: 60 });
    const { alternatives } = await explain({ ...bookingRequest(NEXT), walkIn: 'true' });
    expect(alternatives[0]).toMatchObject({ start: RUNNING });
    expect((await explain(bookingRequest(NEXT))).alternatives[0]).toMatchObject({ start: '2026-11-03T17:05:00.000Z' });
  });
});

describe('a stored response to a walk-in', () => {
  it('is not replayed to a caller with another role by now', async () => {
    const { call, doctor, type, become } = await startWaiting();
    const ask = (more: object, key: string) =>
      call('POST', '/holds', { doctorId: doctor.id, appointmentTypeId: type.id, ...more }, { 'idempotency-key': key });
    const walkInHold = () => ask({ start: RUNNING, walkIn }, 'k1');
    const ordinaryHold = () => ask({ start: '2026-11-03T18:00:00.000Z', walkIn: false }, 'k2');
    become({ id: 'ana', role: 'front-desk' });
    expect(await walkInHold()).toMatchObject({ status: 201 });
    expect(await ordinaryHold()).toMatchObject({ status: 201 });
    become({ id: 'ana', role: 'patient', patientIds: [] });
    expect(await walkInHold()).toMatchObject(problem(403, 'forbidden'));
    expect(await ordinaryHold()).toMatchObject(problem(422, 'idempotency-key-reused'));
    become({ id: 'ana', role: 'front-desk' });
    expect(await walkInHold()).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
  });
});

describe('the role of the caller of a walk-in', () => {
  it.each(ROLES)('decides in the same way for slots, explanation, hold and booking: %s', async (role) => {
    const { dependencies, bookingRequest, doctor, type, patientId, addPatient } = await startWaiting();
    const other = addPatient();
    const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
    const caller = { id: role, role, patientIds: [patientId, other], doctorId: doctor.id };
    const requested = { doctorId: doctor.id, appointmentTypeId: type.id, walkIn };
    const range = { from: RUNNING, to: NEXT };
    const attempts: [() => Promise<unknown>, object][] = [
      [() => searchSlots(dependencies, { ...requested, ...range }, { caller }), [{ start: RUNNING }]],
      [() => explainStart(dependencies, { ...requested, start: RUNNING }, { caller }), { bookable: true }],
      [() => bookAppointment(dependencies, caller, { ...bookingRequest(RUNNING), walkIn }, write), { start: RUNNING }],
    ];
    const isStaff = CLINIC_STAFF.includes(role);
    for (const [attempt, expected] of attempts) {
      if (isStaff) expect(await attempt()).toMatchObject(expected);
      else await expect(attempt()).rejects.toMatchObject({ code: 'forbidden' });
    }
    const held = holdSlot(dependencies, caller, { ...requested, start: RUNNING }, write);
    await expect(held).rejects.toMatchObject({ code: isStaff ? 'slot-taken' : 'forbidden' });
    // Without the option, the notice binds every role.
    const ordinary = bookingRequest(RUNNING, { patientId: other });
    await expect(bookAppointment(dependencies, caller, ordinary, write)).rejects.toMatchObject({ code: 'too-soon' });
  });
});
