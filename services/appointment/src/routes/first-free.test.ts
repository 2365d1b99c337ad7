import { describe, expect, it } from 'vitest';
import { createFirstFree } from '../domain/booking/first-free.ts';
import type { SeatReads } from '../domain/ports.ts';
import { at, openDaily, readAppointment, startClinic, UNKNOWN_ID } from '../testing.ts';

const problem = (status: number, code: string) => ({ status, body: { code } });
const DAY = { from: '2026-11-03T00:00:00.000Z', to: '2026-11-04T00:00:00.000Z' };

async function startSpecialty(doctors: number, rules: Parameters<typeof startClinic>[0] = {}) {
  const clinic = await startClinic(rules);
  const open = openDaily('14:00', '15:00');
  const specialists = Array.from({ length: doctors }, () => clinic.addDoctor({ specialties: ['surgery'], open }));
  const bookFirst = (more: object = {}, headers?: Record<string, string>) =>
    clinic.post(
      '/first-free',
      { patientId: clinic.addPatient(), specialty: 'surgery', appointmentTypeId: clinic.type.id, ...DAY, ...more },
      headers,
    );
  return { ...clinic, specialists, bookFirst };
}

const slotOf = (body: unknown): string => {
  const { doctorId, start } = readAppointment(body);
  return `${doctorId} ${start}`;
};

describe('the first free time of a specialty', () => {
  it('is that of the doctor with the first one', async () => {
    const { bookFirst, addDoctor, history } = await startSpecialty(1);
    const early = addDoctor({ specialties: ['surgery'], open: openDaily('13:00', '13:30') });
    addDoctor({ specialties: ['cardiology'], open: openDaily('08:00', '12:00') });
    const response = await bookFirst({ reason: 'a fall' });
    expect(response).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: { doctorId: early.id, start: '2026-11-03T13:00:00.000Z', status: 'booked', reason: 'a fall' },
    });
    expect(await history(readAppointment(response.body).id)).toHaveLength(1);
    expect(await bookFirst()).toMatchObject({ status: 201, body: { start: '2026-11-03T14:00:00.000Z' } });
  });

  it('is another one for each of many simultaneous requests, while there are any', async () => {
    const { bookFirst, expectReservationsMatch } = await startSpecialty(5);
    const responses = await Promise.all(Array.from({ length: 14 }, () => bookFirst()));
    const booked = responses.filter(({ status }) => status === 201).map(({ body }) => slotOf(body));
    expect(booked).toHaveLength(10);
    expect(new Set(booked).size).toBe(10);
    for (const { status, body } of responses) {
      if (status !== 201) expect({ status, body }).toMatchObject(problem(409, 'nothing-free'));
    }
    await expectReservationsMatch();
  });

  it('is the same again after it was cancelled', async () => {
    const { bookFirst, post } = await startSpecialty(1);
    for (let n = 0; n < 2; n += 1) {
      const { status, body } = await bookFirst();
      expect({ status, start: readAppointment(body).start }).toEqual({
        status: 201,
        start: '2026-11-03T14:00:00.000Z',
      });
      await post(`/${readAppointment(body).id}/cancel`, { reason: 'ill' });
    }
  });

  it('is the same for the next request when the caller of the first one is gone', async () => {
    const { dependencies, addPatient, type } = await startSpecialty(1);
    const book = createFirstFree(dependencies);
    const desk = { id: 'desk', role: 'front-desk', patientIds: [] } as const;
    const bookFirst = (isCallerWaiting: () => boolean) => {
      const bookingRequest = { patientId: addPatient(), specialty: 'surgery', appointmentTypeId: type.id, ...DAY };
      return book(desk, bookingRequest, {
        storeResponse: async () => undefined,
        checkVersion: () => undefined,
        isCallerWaiting,
      });
    };
    for (let n = 0; n < 3; n += 1) {
      await expect(bookFirst(() => false)).rejects.toMatchObject({ code: 'deadline-exceeded' });
    }
    expect(await bookFirst(() => true)).toMatchObject({ start: '2026-11-03T14:00:00.000Z' });
  });

  it('fills every seat of a group', async () => {
    const { bookFirst, expectReservationsMatch } = await startSpecialty(1, { capacity: 3 });
    const responses = await Promise.all(Array.from({ length: 8 }, () => bookFirst()));
    expect(responses.filter(({ status }) => status === 201)).toHaveLength(6);
    await expectReservationsMatch();
  });

  it('is one at which the patient has nothing else', async () => {
    const { bookFirst, book, bookingRequest, patientId } = await startSpecialty(2);
    await book(bookingRequest('2026-11-03T14:00:00.000Z'));
    expect(await bookFirst({ patientId })).toMatchObject({ status: 201, body: { start: '2026-11-03T14:30:00.000Z' } });
    expect(await bookFirst({ patientId })).toMatchObject(problem(409, 'nothing-free'));
  });

  it('is the next one when the patient is booked at the first one meanwhile', async () => {
    const { bookFirst, addPatient, pauseCalls, expectReservationsMatch } = await startSpecialty(3);
    const patientId = addPatient();
    const { received, resume } = pauseCalls(3);
    const bookings = Array.from({ length: 3 }, () => bookFirst({ patientId }));
    await received;
    resume();
    const responses = await Promise.all(bookings);
    const booked = responses.filter(({ status }) => status === 201).map(({ body }) => readAppointment(body).start);
    expect(booked.sort()).toEqual(['2026-11-03T14:00:00.000Z', '2026-11-03T14:30:00.000Z']);
    expect(responses.find(({ status }) => status !== 201)).toMatchObject(problem(409, 'nothing-free'));
    await expectReservationsMatch();
  });

  /** Books for a patient. `beforeLook` runs, with its number, before each read of the only doctor's seats. */
  async function askWhile(
    { dependencies, type, specialists }: Awaited<ReturnType<typeof startSpecialty>>,
    bookingRequest: { patientId: string; from: string; to: string },
    beforeLook: (attempt: number) => Promise<unknown>,
  ) {
    let attempts = 0;
    const seats: SeatReads = {
      async taken(caller, query) {
        if (query.resourceIds.includes(specialists[0]?.id ?? '')) {
          attempts += 1;
          await beforeLook(attempts);
        }
        return dependencies.seats.taken(caller, query);
      },
    };
    const book = createFirstFree({ ...dependencies, seats });
    const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
    return book(
      { id: 'desk', role: 'front-desk', patientIds: [] },
      { ...bookingRequest, specialty: 'surgery', appointmentTypeId: type.id },
      write,
    );
  }

  describe('while a visit of another patient is moved between the reads of two parts of a long range', () => {
    const [SOON, LATE] = ['2026-11-03T14:00:00.000Z', '2026-11-06T14:00:00.000Z'];
    const RANGE = { from: '2026-11-03T00:00:00.000Z', to: '2026-11-08T00:00:00.000Z' };

    it('is the time that the other visit left', async () => {
      const clinic = await startSpecialty(1);
      const { specialists, changeDoctor, addPatient, bookFirst, post } = clinic;
      const open = [SOON, LATE].map((start) => ({ start: at(start), end: at(start) + 1_800_000 }));
      for (const doctor of specialists) changeDoctor(doctor, { open });
      const { id, start } = readAppointment((await bookFirst()).body);
      expect(start).toBe(SOON);
      const bookingRequest = { patientId: addPatient(), ...RANGE };
      const received = askWhile(clinic, bookingRequest, async (attempt) => {
        if (attempt === 2) expect(await post(`/${id}/reschedule`, { start: LATE })).toMatchObject({ status: 200 });
      });
      expect(await received).toMatchObject({ start: SOON });
    });
  });

  describe('while a visit of the patient is moved between the read of the patient and that of the doctors', () => {
    /** Books the first of two times of the only doctor. `move` runs before each read of the doctor's seats. */
    async function startMoved(
      move: (attempt: number, moveTo: (start: string) => Promise<unknown>) => Promise<unknown>,
    ) {
      const clinic = await startSpecialty(1);
      const patientId = clinic.addPatient();
      const { id } = readAppointment((await clinic.bookFirst({ patientId })).body);
      const moveTo = (start: string) => clinic.post(`/${id}/reschedule`, { start: `2026-11-03T${start}:00.000Z` });
      return () => askWhile(clinic, { patientId, ...DAY }, (attempt) => move(attempt, moveTo));
    }

    it('is the time that the visit left', async () => {
      const bookFirst = await startMoved(async (attempt, moveTo) => (attempt === 1 ? moveTo('14:30') : undefined));
      expect(await bookFirst()).toMatchObject({ start: '2026-11-03T14:00:00.000Z' });
    });

    it('is refused as service-unavailable when the visit is moved again and again', async () => {
      const bookFirst = await startMoved((attempt, moveTo) => moveTo(attempt % 2 === 1 ? '14:30' : '14:00'));
      await expect(bookFirst()).rejects.toMatchObject({ code: 'service-unavailable' });
    });
  });

  it('is never one that another process gives out at the same time', async () => {
    const { dependencies, addPatient, type, expectReservationsMatch } = await startSpecialty(5);
    const processes = [createFirstFree(dependencies), createFirstFree(dependencies)];
    const write = { storeResponse: async () => undefined, checkVersion: () => undefined };
    const desk = { id: 'desk', role: 'front-desk', patientIds: [] } as const;
    const bookingRequest = () => ({
      patientId: addPatient(),
      specialty: 'surgery',
      appointmentTypeId: type.id,
      ...DAY,
    });
    const booked = await Promise.all(
      processes.flatMap((book) => Array.from({ length: 5 }, () => book(desk, bookingRequest(), write))),
    );
    expect(new Set(booked.map(slotOf)).size).toBe(10);
    await expectReservationsMatch();
  });

  it('is searched as far as requested, also weeks ahead', async () => {
    const { bookFirst, specialists, changeDoctor } = await startSpecialty(1);
    const [specialist] = specialists;
    const late = { start: at('2026-12-10T14:00:00.000Z'), end: at('2026-12-10T14:30:00.000Z') };
    if (specialist) changeDoctor(specialist, { open: [late] });
    expect(await bookFirst()).toMatchObject(problem(409, 'nothing-free'));
    const response = await bookFirst({ to: '2026-12-31T00:00:00.000Z' });
    expect(response).toMatchObject({ status: 201, body: { start: '2026-12-10T14:00:00.000Z' } });
  });

  it('is one booking for each key, however often it is requested', async () => {
    const { bookFirst, addPatient } = await startSpecialty(2);
    const patientId = addPatient();
    const first = await bookFirst({ patientId }, { 'idempotency-key': 'k1' });
    const again = await bookFirst({ patientId }, { 'idempotency-key': 'k1' });
    expect(again).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' }, body: first.body });
  });

  it('is refused with a reason where it cannot be given', async () => {
    const { bookFirst, addPatient, addType } = await startSpecialty(1);
    const inactive = await addType({ active: false });
    for (const [more, status, code] of [
      [{ patientId: UNKNOWN_ID }, 422, 'patient-not-found'],
      [{ patientId: addPatient(false) }, 422, 'patient-inactive'],
      [{ appointmentTypeId: UNKNOWN_ID }, 422, 'appointment-type-not-found'],
      [{ appointmentTypeId: inactive.id }, 422, 'appointment-type-inactive'],
      [{ specialty: 'astrology' }, 409, 'nothing-free'],
      [{ specialty: 'No Such' }, 400, 'invalid-request'],
      [{ to: '2026-11-01T00:00:00.000Z' }, 400, 'invalid-request'],
      [{ to: '2027-11-01T00:00:00.000Z' }, 422, 'range-too-long'],
    ] as const) {
      expect(await bookFirst(more)).toMatchObject(problem(status, code));
    }
  });
});
