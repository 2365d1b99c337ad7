/** The present capacity of the appointment type decides, not the capacity at the time of other bookings. */
import { describe, expect, it } from 'vitest';
import { readProblem, startClinic } from '../testing.ts';

const START = '2026-11-03T16:00:00.000Z';
const EARLIER = '2026-11-03T15:45:00.000Z';

/** Starts a clinic with a doctor and a group of two at START. */
async function startFullGroup() {
  const clinic = await startClinic({ capacity: 2 });
  const { type, doctor, addPatient, call, post, bookingRequest, slots, explain } = clinic;
  const bookOne = (start = START) => post('', bookingRequest(start, { patientId: addPatient() }));
  const statusesOf = async (count: number) => {
    const responses = await Promise.all(Array.from({ length: count }, () => bookOne()));
    return responses.map(({ status }) => status).toSorted((one, other) => one - other);
  };
  expect(await statusesOf(2)).toEqual([201, 201]);
  const of = { doctorId: doctor.id, appointmentTypeId: type.id };
  return {
    ...clinic,
    bookOne,
    statusesOf,
    async setCapacity(capacity: number, id = type.id) {
      expect(await call('PATCH', `/appointment-types/${id}`, { capacity })).toMatchObject({ status: 200 });
    },
    /** Returns whether slots, explanation and alternatives offer the start, and expects them to agree. */
    async isOffered(start = START) {
      const found = await slots({ ...of, from: start, to: '2026-11-03T16:01:00.000Z' });
      const { bookable, alternatives } = await explain({ ...of, start });
      const isShown = found.some((slot) => slot.start === start);
      expect(bookable).toBe(isShown);
      if (!isShown) expect(alternatives.some((slot) => slot.start === start)).toBe(false);
      return isShown;
    },
  };
}

describe('raising the capacity of an appointment type', () => {
  it('opens the new seats beside those that were booked before, and no more', async () => {
    const { statusesOf, setCapacity, isOffered, bookOne, expectReservationsMatch } = await startFullGroup();
    expect(await isOffered()).toBe(false);
    expect((await bookOne()).status).toBe(409);
    await setCapacity(10);
    expect(await isOffered()).toBe(true);
    expect(await statusesOf(7)).toEqual(Array(7).fill(201));
    expect(await statusesOf(5)).toEqual([201, 409, 409, 409, 409]);
    expect(await isOffered()).toBe(false);
    await expectReservationsMatch();
  });

  it('opens them to a booking of the first free doctor, and to a hold', async () => {
    const { addDoctor, addPatient, addType, post, call, setCapacity, type: other } = await startFullGroup();
    const type = await addType({ capacity: 1 });
    expect(other.id).not.toBe(type.id);
    const [open] = [{ start: Date.parse(START), end: Date.parse(START) + 1_800_000 }];
    const doctor = addDoctor({ specialties: ['eyes'], open: [open] });
    const input = { specialty: 'eyes', appointmentTypeId: type.id, from: START, to: '2026-11-03T17:00:00.000Z' };
    const first = () => post('/first-free', { ...input, patientId: addPatient() });
    expect((await first()).status).toBe(201);
    expect(await first()).toMatchObject({ status: 409, body: { code: 'nothing-free' } });
    await setCapacity(3, type.id);
    expect((await first()).status).toBe(201);
    const hold = { doctorId: doctor.id, appointmentTypeId: type.id, start: START };
    expect((await call('POST', '/holds', hold)).status).toBe(201);
    expect(await first()).toMatchObject({ status: 409, body: { code: 'nothing-free' } });
  });

  it('opens no seat beside a visit for one of another type', async () => {
    const { addType, addPatient, post, bookingRequest, setCapacity, bookOne, type } = await startFullGroup();
    const single = await addType({ capacity: 1 });
    const start = '2026-11-03T18:00:00.000Z';
    expect((await post('', bookingRequest(start, { appointmentTypeId: single.id }))).status).toBe(201);
    await setCapacity(10);
    expect(await bookOne(start)).toMatchObject({ status: 409, body: { code: 'slot-taken' } });
    const neighbour = bookingRequest(START, { patientId: addPatient(), appointmentTypeId: single.id });
    expect(await post('', neighbour)).toMatchObject({ status: 409, body: { code: 'slot-taken' } });
    expect(type.capacity).toBe(2);
  });
});

describe('lowering the capacity of an appointment type', () => {
  it('leaves the seats that are taken, and gives no new one until enough came free', async () => {
    const { list, post, setCapacity, statusesOf, isOffered, bookOne } = await startFullGroup();
    await setCapacity(4);
    expect(await statusesOf(2)).toEqual([201, 201]);
    await setCapacity(2);
    const booked = (await list({})).items;
    expect(booked.map(({ status }) => status)).toEqual(Array(4).fill('booked'));
    for (const { id } of booked.slice(0, 2)) {
      expect(await isOffered()).toBe(false);
      expect(await isOffered(EARLIER)).toBe(false);
      expect((await bookOne()).status).toBe(409);
      await post(`/${id}/cancel`, { reason: 'ill' });
    }
    expect((await bookOne()).status).toBe(409);
    await post(`/${booked[2]?.id}/cancel`, { reason: 'ill' });
    expect(await isOffered()).toBe(true);
    expect((await bookOne()).status).toBe(201);
    expect((await bookOne()).status).toBe(409);
  });
});

describe('of many bookings while the capacity changes', () => {
  it('as many as there are new seats succeed', async () => {
    const { setCapacity, statusesOf, expectReservationsMatch } = await startFullGroup();
    const [, statuses] = await Promise.all([setCapacity(5), statusesOf(6)]);
    expect(statuses.filter((status) => status === 201).length).toBeLessThanOrEqual(3);
    expect(await statusesOf(6)).toContain(409);
    expect((await statusesOf(1))[0]).toBe(409);
    await expectReservationsMatch();
  });

  it('one more than there are new seats all come at once, and exactly one is refused', async () => {
    const { setCapacity, statusesOf, expectReservationsMatch } = await startFullGroup();
    await setCapacity(8);
    expect(await statusesOf(7)).toEqual([...Array(6).fill(201), 409]);
    await expectReservationsMatch();
  });

  it('a booking whose rules were applied before the type was changed is decided by the type as it is now', async () => {
    const { setCapacity, pauseCalls, bookOne, expectReservationsMatch } = await startFullGroup();
    await setCapacity(3);
    const paused = pauseCalls();
    const booking = bookOne();
    await paused.received;
    await setCapacity(2);
    paused.resume();
    const refused = await booking;
    expect(refused.status).toBe(409);
    expect(readProblem(refused.body)).toMatchObject({ code: 'slot-taken' });
    await expectReservationsMatch();
  });
});
