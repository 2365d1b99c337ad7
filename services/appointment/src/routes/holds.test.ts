import { describe, expect, it } from 'vitest';
import { createHoldSweep } from '../jobs/hold-expiry.ts';
import { createHoldStore, useHold } from '../store/holds.ts';
import { createRecentHoldSweep } from '../store/recent-holds.ts';
import { at, iso, readHold, readProblem, startClinic, UNKNOWN_ID } from '../testing.ts';

const problem = (status: number, code: string) => ({ status, body: { code } });
const START = '2026-11-03T16:00:00.000Z';

async function startHolding(rules: Parameters<typeof startClinic>[0] = {}) {
  const clinic = await startClinic(rules);
  const { call, doctor, type } = clinic;
  const input = { doctorId: doctor.id, appointmentTypeId: type.id, start: START };
  const requestHold = (more: Partial<typeof input> = {}, headers?: Record<string, string>) =>
    call('POST', '/holds', { ...input, ...more }, headers);
  return {
    ...clinic,
    requestHold,
    /** Holds a slot that must be free. */
    async createHold(more: Partial<typeof input> = {}) {
      const { status, body } = await requestHold(more);
      expect({ status, body }).toMatchObject({ status: 201 });
      return readHold(body);
    },
    later(seconds: number) {
      clinic.time.now = clinic.time.now.add({ seconds });
    },
    /** Returns the fields of a booking for another patient. */
    other: () => ({ patientId: clinic.addPatient() }),
    isShown: async () =>
      (
        await clinic.slots({
          doctorId: doctor.id,
          appointmentTypeId: type.id,
          from: START,
          to: '2026-11-03T16:01:00.000Z',
        })
      ).length === 1,
  };
}

describe('a hold', () => {
  it('keeps a slot for five minutes', async () => {
    const { requestHold, call, later, isShown, post, bookingRequest, expectReservationsMatch } = await startHolding();
    const response = await requestHold();
    expect(response).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: { start: START, end: '2026-11-03T16:30:00.000Z', expiresAt: '2026-11-02T08:05:00.000Z' },
    });
    const path = String(response.headers.location).replace('/api/v1', '');
    expect(await call('GET', path)).toMatchObject({ status: 200, body: response.body });
    expect(await isShown()).toBe(false);
    const refused = await post('', bookingRequest(START));
    expect(refused).toMatchObject(problem(409, 'slot-taken'));
    expect(readProblem(refused.body).alternatives).toHaveLength(5);
    later(299);
    expect(await isShown()).toBe(false);
    await expectReservationsMatch();
  });

  it('runs out by itself', async () => {
    const { createHold, later, isShown, call, book, bookingRequest, expectReservationsMatch } = await startHolding();
    const { id } = await createHold();
    later(300);
    expect(await isShown()).toBe(true);
    expect(await call('GET', `/holds/${id}`)).toMatchObject(problem(404, 'not-found'));
    await book(bookingRequest(START));
    await expectReservationsMatch();
  });

  it('is given back', async () => {
    const { createHold, call, isShown, reservations } = await startHolding();
    const { id } = await createHold();
    expect(await call('DELETE', `/holds/${id}`)).toMatchObject({ status: 204, body: undefined });
    expect(await isShown()).toBe(true);
    expect(await reservations()).toEqual([]);
    expect(await call('DELETE', `/holds/${id}`)).toMatchObject(problem(404, 'not-found'));
    expect(await call('DELETE', `/holds/${UNKNOWN_ID}`)).toMatchObject(problem(404, 'not-found'));
  });

  it('is one for each key, however often it is requested', async () => {
    const { requestHold, reservations } = await startHolding();
    const first = await requestHold({}, { 'idempotency-key': 'k1' });
    const again = await requestHold({}, { 'idempotency-key': 'k1' });
    expect(again).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' }, body: first.body });
    expect(await reservations()).toHaveLength(6);
  });

  it('is refused where a booking is refused, for the same reason', async () => {
    const { requestHold, createHold, addType, addDoctor, changeDoctor } = await startHolding({
      minimumNoticeMinutes: 60,
    });
    await createHold();
    const away = addDoctor();
    changeDoctor(away, { active: false });
    const inactive = await addType({ active: false });
    for (const [input, status, code] of [
      [{}, 409, 'slot-taken'],
      [{ start: '2026-11-03T13:30:00.000Z' }, 422, 'outside-availability'],
      [{ start: '2026-11-03T16:01:00.000Z' }, 422, 'not-on-grid'],
      [{ start: '2026-11-01T16:00:00.000Z' }, 422, 'too-soon'],
      [{ start: '2027-11-03T16:00:00.000Z' }, 422, 'too-far-ahead'],
      [{ doctorId: UNKNOWN_ID }, 422, 'doctor-not-found'],
      [{ doctorId: away.id }, 422, 'doctor-inactive'],
      [{ appointmentTypeId: UNKNOWN_ID }, 422, 'appointment-type-not-found'],
      [{ appointmentTypeId: inactive.id }, 422, 'appointment-type-inactive'],
    ] as const) {
      expect(await requestHold(input)).toMatchObject(problem(status, code));
    }
  });

  it('keeps the buffers as well', async () => {
    const { createHold, requestHold, expectReservationsMatch } = await startHolding({
      bufferBeforeMinutes: 10,
      bufferAfterMinutes: 15,
    });
    await createHold();
    expect(await requestHold({ start: '2026-11-03T16:45:00.000Z' })).toMatchObject(problem(409, 'slot-taken'));
    await createHold({ start: '2026-11-03T16:55:00.000Z' });
    await expectReservationsMatch();
  });

  it('takes one seat of a group', async () => {
    const { createHold, requestHold, book, bookingRequest, other, expectReservationsMatch } = await startHolding({
      capacity: 3,
    });
    await createHold();
    await book(bookingRequest(START));
    const { id } = await createHold();
    expect(await requestHold()).toMatchObject(problem(409, 'slot-taken'));
    await book({ ...bookingRequest(START, other()), ...{ holdId: id } });
    await expectReservationsMatch();
  });

  it('goes to one of many simultaneous requests', async () => {
    const { requestHold, expectReservationsMatch } = await startHolding();
    const responses = await Promise.all(Array.from({ length: 20 }, () => requestHold()));
    expect(responses.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(responses.filter(({ status }) => status === 409)).toHaveLength(19);
    await expectReservationsMatch();
  });

  it('is swept when it has run out, and what was booked is left', async () => {
    const { createHold, later, book, bookingRequest, database, clock, reservations } = await startHolding();
    await createHold();
    await createHold({ start: '2026-11-03T17:00:00.000Z' });
    later(200);
    await createHold({ start: '2026-11-03T18:00:00.000Z' });
    await book(bookingRequest('2026-11-03T19:00:00.000Z'));
    later(100);
    const sweep = createHoldSweep(database, clock);
    expect(await sweep()).toBe(2);
    expect(await reservations()).toHaveLength(6 + 12);
    expect(await sweep()).toBe(0);
  });

  it('is limited to three at once for a patient, who cannot empty a calendar', async () => {
    const { database, clock, doctor, type, later } = await startHolding();
    const holds = createHoldStore(database, clock);
    const ana = { id: 'ana', role: 'patient', patientIds: [] } as const;
    const hold = (start: string) => {
      const visit = { start: at(start), end: at(start) + 1_800_000 };
      const verified = [{ id: doctor.id, version: 1 }] as const;
      const placement = { doctorId: doctor.id, timeZone: 'UTC', visit, doctorTime: visit, type, verified };
      const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
      return holds.add(ana, placement, write);
    };
    for (const hour of [14, 15, 16]) await hold(`2026-11-03T${hour}:00:00Z`);
    await expect(hold('2026-11-03T17:00:00.000Z')).rejects.toMatchObject({ code: 'too-many-holds' });
    later(300);
    await hold('2026-11-03T17:00:00.000Z');
  });

  it('is limited to twenty an hour for an account of a patient, also for simultaneous requests', async () => {
    const { database, clock, time, requestHold, become, later } = await startHolding();
    become({ id: 'ana', role: 'patient' });
    const starts = (count: number) => Array.from({ length: count }, (_, n) => iso(at(START) + n * 30 * 60_000));
    let held = 0;
    for (let round = 0; round < 10; round += 1) {
      const responses = await Promise.all(starts(4).map((start) => requestHold({ start })));
      held += responses.filter(({ status }) => status === 201).length;
      // The holds of this round run out, and still count for an hour.
      later(300);
    }
    expect(held).toBe(20);
    expect(await requestHold()).toMatchObject({
      ...problem(409, 'too-many-holds'),
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    });
    become({ id: 'bea', role: 'patient' });
    expect(await requestHold()).toMatchObject({ status: 201 });
    become({ id: 'ana', role: 'patient' });
    later(300);
    time.now = time.now.add({ hours: 1 });
    expect(await requestHold()).toMatchObject({ status: 201 });
    time.now = time.now.add({ hours: 2 });
    const sweep = createRecentHoldSweep(database, clock);
    expect(await sweep()).toBe(2);
    expect(await sweep()).toBe(0);
  });
});

describe('the booking that uses a hold', () => {
  it('has the time that was kept', async () => {
    const { createHold, book, bookingRequest, call, expectReservationsMatch, reservations } = await startHolding();
    const { id } = await createHold();
    await book({ ...bookingRequest(START), ...{ holdId: id } });
    expect(await reservations()).toHaveLength(12);
    expect(await call('GET', `/holds/${id}`)).toMatchObject(problem(404, 'not-found'));
    await expectReservationsMatch();
  });

  it('comes too late when the hold has run out, and gets alternatives', async () => {
    const { createHold, later, post, bookingRequest, reservations } = await startHolding();
    const { id } = await createHold();
    later(300);
    const refused = await post('', { ...bookingRequest(START), holdId: id });
    expect(refused).toMatchObject(problem(409, 'hold-expired'));
    const { alternatives = [] } = readProblem(refused.body);
    // The time itself is free again, so it can be booked without the hold.
    expect(alternatives.map(({ start }) => start)).toContain(START);
    expect(await reservations()).toHaveLength(6);
  });

  it('is refused when the hold is for another time, another doctor, another caller, or was used', async () => {
    const { createHold, post, bookingRequest, addDoctor, other, book, database, clock, doctor, type } =
      await startHolding();
    const { id } = await createHold();
    const elsewhere = [bookingRequest('2026-11-03T17:00:00.000Z'), bookingRequest(START, { doctorId: addDoctor().id })];
    for (const body of elsewhere) {
      expect(await post('', { ...body, holdId: id })).toMatchObject(problem(409, 'hold-expired'));
    }
    const holds = createHoldStore(database, clock);
    expect(await holds.find({ id: 'ana', role: 'patient', patientIds: [] }, id)).toBeUndefined();
    const visit = { start: at(START), end: at(START) + 1_800_000 };
    const verified = [{ id: doctor.id, version: 1 }] as const;
    const placement = { doctorId: doctor.id, timeZone: 'UTC', visit, doctorTime: visit, type, verified };
    const use = database.write((tx) => useHold(tx, database.dialect, 'ana', id, placement, clock().epochMilliseconds));
    await expect(use).rejects.toMatchObject({ code: 'hold-expired' });
    await book({ ...bookingRequest(START), ...{ holdId: id } });
    expect(await post('', { ...bookingRequest(START, other()), holdId: id })).toMatchObject(
      problem(409, 'hold-expired'),
    );
  });

  it('is not offered what the hold keeps, nor what an appointment has whose id it gives: neither could be booked', async () => {
    const { createHold, post, bookingRequest, book, other } = await startHolding();
    const { id } = await createHold();
    const booked = await book(bookingRequest('2026-11-03T17:00:00.000Z'));
    for (const [holdId, taken] of [
      [id, START],
      [booked.id, booked.start],
    ] as const) {
      const nearby = Temporal.Instant.from(taken).add({ minutes: 10 }).toString();
      const refused = await post('', { ...bookingRequest(nearby, other()), holdId });
      expect(refused).toMatchObject(problem(409, 'hold-expired'));
      const starts = readProblem(refused.body).alternatives?.map(({ start }) => at(start)) ?? [];
      expect(starts).toHaveLength(5);
      expect(starts.filter((start) => Math.abs(start - at(taken)) < 1_800_000)).toEqual([]);
    }
  });

  it('leaves the hold when it is refused', async () => {
    const { createHold, post, bookingRequest, call, book, addDoctor } = await startHolding();
    const { id } = await createHold();
    await book(bookingRequest(START, { doctorId: addDoctor().id }));
    expect(await post('', { ...bookingRequest(START), holdId: id })).toMatchObject(problem(409, 'patient-busy'));
    expect(await call('GET', `/holds/${id}`)).toMatchObject({ status: 200 });
  });

  it('moves an appointment to the time that was kept', async () => {
    const { createHold, post, bookingRequest, book, expectReservationsMatch } = await startHolding();
    const booked = await book(bookingRequest('2026-11-03T14:00:00.000Z'));
    const { id } = await createHold();
    const moved = await post(`/${booked.id}/reschedule`, { start: START, holdId: id });
    expect(moved).toMatchObject({ status: 200, body: { start: START, sequence: 1 } });
    await expectReservationsMatch();
  });

  it('and the hold that runs out meanwhile: exactly one of two has the time', async () => {
    const { createHold, later, post, bookingRequest, other, pauseCalls, expectReservationsMatch } =
      await startHolding();
    const { id } = await createHold();
    later(299);
    const { received, resume } = pauseCalls(2);
    const withHold = post('', { ...bookingRequest(START), holdId: id });
    await received;
    // The booking has read the hold. Now the hold expires, and another request takes the time first.
    later(1);
    resume();
    const responses = await Promise.all([withHold, post('', bookingRequest(START, other()))]);
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 409]);
    await expectReservationsMatch();
  });
});
