import { describe, expect, it } from 'vitest';
import { bookAppointment } from '../domain/booking/book.ts';
import { startClinic, UNKNOWN_ID } from '../testing.ts';

const problem = (status: number, code: string) => ({ status, body: { code } });
const START = '2026-11-03T16:00:00.000Z';
const overbooking = { reason: 'sent over by the emergency room' };

async function startTaken(rules: Parameters<typeof startClinic>[0] = {}) {
  const clinic = await startClinic(rules);
  const booked = await clinic.book(clinic.bookingRequest(START));
  return {
    ...clinic,
    booked,
    other: (start = START) => clinic.bookingRequest(start, { patientId: clinic.addPatient() }),
  };
}

describe('an overbooking', () => {
  it('is made on purpose, with a reason and a trace in the history', async () => {
    const { post, other, history, expectReservationsMatch } = await startTaken();
    const response = await post('', { ...other(), overbooking });
    expect(response).toMatchObject({ status: 201, body: { status: 'booked', start: START } });
    const id = String(response.headers.location).replace('/api/v1/appointments/', '');
    expect(await history(id)).toMatchObject([{ action: 'booked', overbooked: true, reason: overbooking.reason }]);
    await expectReservationsMatch();
  });

  it('never happens by accident', async () => {
    const { post, other, history } = await startTaken();
    expect(await post('', other())).toMatchObject(problem(409, 'slot-taken'));
    for (const wrong of [{}, { reason: ' ' }, true]) {
      expect(await post('', { ...other(), overbooking: wrong })).toMatchObject(problem(400, 'invalid-request'));
    }
    const free = await post('', { ...other('2026-11-03T17:00:00.000Z'), overbooking });
    const id = String(free.headers.location).replace('/api/v1/appointments/', '');
    const [entry] = await history(id);
    expect(entry).not.toHaveProperty('overbooked');
    expect(entry).not.toHaveProperty('reason');
  });

  it('is made for all simultaneous requests, each with its trace but the one that had the time to itself', async () => {
    const { post, bookingRequest, addPatient, pauseCalls, history, expectReservationsMatch } = await startClinic();
    const { received, resume } = pauseCalls(6);
    const bookings = Array.from({ length: 3 }, () =>
      post('', { ...bookingRequest(START, { patientId: addPatient() }), overbooking }),
    );
    await received;
    resume();
    const responses = await Promise.all(bookings);
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 201]);
    const ids = responses.map(({ headers }) => String(headers.location).replace('/api/v1/appointments/', ''));
    const traces = await Promise.all(ids.map(async (id) => (await history(id))[0]?.overbooked));
    expect(traces.filter((overbooked) => overbooked === true)).toHaveLength(2);
    await expectReservationsMatch();
  });

  it('is for staff: a patient may not, nor may another service', async () => {
    const { dependencies, other, doctor } = await startTaken();
    const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
    for (const role of ['patient', 'service'] as const) {
      const requested = { ...other(), overbooking };
      const caller = { id: role, role, patientIds: [requested.patientId], doctorId: doctor.id };
      const booking = bookAppointment(dependencies, caller, requested, write);
      await expect(booking).rejects.toMatchObject({ code: 'forbidden' });
    }
    for (const role of ['doctor', 'front-desk', 'administrator'] as const) {
      const requested = { ...other(), overbooking };
      const caller = { id: role, role, patientIds: [requested.patientId], doctorId: doctor.id };
      const booking = bookAppointment(dependencies, caller, requested, write);
      expect(await booking).toMatchObject({ start: START });
    }
  });

  it('goes over the number of seats and over no other rule', async () => {
    const { post, bookingRequest, other, addDoctor, changeDoctor } = await startTaken();
    const away = addDoctor();
    changeDoctor(away, { active: false });
    const refused: [object, number, string][] = [
      [bookingRequest(START), 409, 'patient-busy'],
      [other('2026-11-03T13:30:00.000Z'), 422, 'outside-availability'],
      [other('2026-11-03T16:01:00.000Z'), 422, 'not-on-grid'],
      [other('2026-11-01T16:00:00.000Z'), 422, 'too-soon'],
      [{ ...other(), doctorId: away.id }, 422, 'doctor-inactive'],
      [{ ...other(), patientId: UNKNOWN_ID }, 422, 'patient-not-found'],
    ];
    for (const [body, status, code] of refused) {
      expect(await post('', { ...body, overbooking })).toMatchObject(problem(status, code));
    }
  });

  it('leaves the time taken until both are gone', async () => {
    const { post, other, booked, book, expectReservationsMatch } = await startTaken();
    const { headers } = await post('', { ...other(), overbooking });
    const path = String(headers.location).replace('/api/v1/appointments', '');
    await post(`/${booked.id}/cancel`, { reason: 'ill' });
    expect(await post('', other())).toMatchObject(problem(409, 'slot-taken'));
    await post(`${path}/cancel`, { reason: 'ill' });
    await book(other());
    await expectReservationsMatch();
  });

  it('can be where an appointment is moved to', async () => {
    const { post, other, book, history, expectReservationsMatch } = await startTaken();
    const { id } = await book(other('2026-11-03T18:00:00.000Z'));
    expect(await post(`/${id}/reschedule`, { start: START })).toMatchObject(problem(409, 'slot-taken'));
    expect(await post(`/${id}/reschedule`, { start: START, overbooking })).toMatchObject({ status: 200 });
    expect((await history(id)).at(-1)).toMatchObject({ action: 'rescheduled', overbooked: true, ...overbooking });
    await expectReservationsMatch();
  });

  it('of a group is one more than the group has seats', async () => {
    const { post, other, book, expectReservationsMatch } = await startTaken({ capacity: 2 });
    await book(other());
    expect(await post('', other())).toMatchObject(problem(409, 'slot-taken'));
    expect(await post('', { ...other(), overbooking })).toMatchObject({ status: 201 });
    expect(await post('', other())).toMatchObject(problem(409, 'slot-taken'));
    await expectReservationsMatch();
  });
});
