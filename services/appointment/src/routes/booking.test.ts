import { describe, expect, it } from 'vitest';
import { bookAppointment } from '../domain/booking/book.ts';
import { at, iso, readProblem, startAppointments, startClinic, UNKNOWN_ID } from '../testing.ts';

const problem = (status: number, code: string) => ({ status, body: { code } });

describe('a booking', () => {
  it('returns the appointment and is there afterwards', async () => {
    const clinic = await startClinic();
    const response = await clinic.post('', {
      ...clinic.bookingRequest('2026-11-03T14:00:00.000Z'),
      reason: 'follow-up\nof last week',
    });
    expect(response).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: {
        ...clinic.bookingRequest('2026-11-03T14:00:00.000Z'),
        end: '2026-11-03T14:30:00.000Z',
        timeZone: 'America/New_York',
        status: 'booked',
        sequence: 0,
        reason: 'follow-up\nof last week',
        version: 1,
        createdAt: '2026-11-02T08:00:00.000Z',
        updatedAt: '2026-11-02T08:00:00.000Z',
      },
    });
    const id = String(response.headers.location).replace('/api/v1/appointments/', '');
    expect(await clinic.read(id)).toEqual(response.body);
    const known = { 'if-none-match': '"1"' };
    expect(await clinic.call('GET', `/appointments/${id}`, undefined, known)).toMatchObject({ status: 304 });
    await clinic.expectReservationsMatch();
  });

  it('calls the other services in the name of its caller, within the same trace', async () => {
    const { call, bookingRequest, contexts } = await startClinic();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    expect(await call('POST', '/appointments', bookingRequest('2026-11-03T14:00:00.000Z'), headers)).toMatchObject({
      status: 201,
    });
    expect(contexts).toHaveLength(2);
    for (const { caller, traceparent } of contexts) {
      expect(caller).toMatchObject({ id: 'administrator', role: 'administrator' });
      expect(traceparent).toContain(traceId);
    }
  });

  it('takes a start with any offset and stores it in UTC', async () => {
    const clinic = await startClinic();
    const { start, end } = await clinic.book(clinic.bookingRequest('2026-11-03T10:15:00-05:00'));
    expect([start, end]).toEqual(['2026-11-03T15:15:00.000Z', '2026-11-03T15:45:00.000Z']);
  });

  it('is written with the same ids, however the request wrote them', async () => {
    const clinic = await startClinic();
    const bookingRequest = clinic.bookingRequest('2026-11-03T14:00:00.000Z');
    const appointment = await clinic.book({
      start: bookingRequest.start,
      patientId: bookingRequest.patientId.toUpperCase(),
      doctorId: bookingRequest.doctorId.toUpperCase(),
      appointmentTypeId: bookingRequest.appointmentTypeId.toUpperCase(),
    });
    expect(appointment).toMatchObject(bookingRequest);
    expect(await clinic.read(appointment.id)).toEqual(appointment);
    expect(JSON.parse((await clinic.outbox())[0] ?? '')).toMatchObject({ data: { doctorId: bookingRequest.doctorId } });
  });

  it('may begin now and at the last moment of the planning horizon', async () => {
    const clinic = await startClinic({ planningHorizonDays: 30 });
    const doctor = clinic.addDoctor({
      timeZone: 'UTC',
      open: [{ start: at('2026-11-01T00:00:00.000Z'), end: at('2027-11-01T00:00:00.000Z') }],
    });
    for (const start of ['2026-11-02T08:00:00.000Z', '2026-12-02T08:00:00.000Z']) {
      await clinic.book(clinic.bookingRequest(start, { doctorId: doctor.id }));
    }
  });

  it('keeps the buffers free before and after', async () => {
    const clinic = await startClinic({ bufferBeforeMinutes: 10, bufferAfterMinutes: 15 });
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    const other = (start: string) => clinic.bookingRequest(start, { patientId: clinic.addPatient() });
    for (const start of ['15:10', '15:35', '16:50']) {
      expect(await clinic.post('', other(`2026-11-03T${start}:00.000Z`))).toMatchObject(problem(409, 'slot-taken'));
    }
    for (const start of ['15:05', '16:55']) await clinic.book(other(`2026-11-03T${start}:00.000Z`));
    await clinic.expectReservationsMatch();
  });

  it("leaves the patient's time around the visit free", async () => {
    const clinic = await startClinic({ bufferBeforeMinutes: 30, bufferAfterMinutes: 30 });
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    for (const start of ['15:30', '16:30']) {
      await clinic.book(clinic.bookingRequest(`2026-11-03T${start}:00.000Z`, { doctorId: clinic.addDoctor().id }));
    }
    await clinic.expectReservationsMatch();
  });
});

describe('no double booking', () => {
  it('refuses a second booking of the same time, with the nearest times that are free', async () => {
    const clinic = await startClinic();
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    const patientId = clinic.addPatient();
    const response = await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId }));
    expect(response).toMatchObject(problem(409, 'slot-taken'));
    const { alternatives = [] } = readProblem(response.body);
    expect(alternatives.map(({ start }) => start)).toEqual([
      '2026-11-03T15:20:00.000Z',
      '2026-11-03T15:25:00.000Z',
      '2026-11-03T15:30:00.000Z',
      '2026-11-03T16:30:00.000Z',
      '2026-11-03T16:35:00.000Z',
    ]);
  });

  it('offers a patient alternatives with the requested doctor only', async () => {
    const clinic = await startClinic();
    clinic.addDoctor();
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() }));
    const { alternatives = [] } = readProblem(
      (await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'))).body,
    );
    expect(new Set(alternatives.map(({ doctorId }) => doctorId))).toEqual(new Set([clinic.doctor.id]));
  });

  it('offers alternatives each of which can then be booked', async () => {
    const clinic = await startClinic({ bufferBeforeMinutes: 5, bufferAfterMinutes: 10 });
    for (const start of ['14:00', '15:00', '16:00', '17:00', '18:00']) {
      await clinic.book(clinic.bookingRequest(`2026-11-03T${start}:00.000Z`, { patientId: clinic.addPatient() }));
    }
    // The patient also has visits with another doctor.
    const elsewhere = clinic.addDoctor().id;
    await clinic.book(clinic.bookingRequest('2026-11-03T16:30:00.000Z', { doctorId: elsewhere }));
    const response = await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    const { alternatives = [] } = readProblem(response.body);
    expect(alternatives).toHaveLength(5);
    for (const { start, doctorId } of alternatives) {
      const { id } = await clinic.book(clinic.bookingRequest(start, { doctorId }));
      await clinic.post(`/${id}/cancel`, { reason: 'only tried' });
    }
  });

  it('searches farther for alternatives when the days around are full', async () => {
    const clinic = await startClinic();
    const doctor = clinic.addDoctor({
      open: [
        { start: at('2026-11-03T16:00:00.000Z'), end: at('2026-11-03T16:30:00.000Z') },
        { start: at('2026-12-20T16:00:00.000Z'), end: at('2026-12-20T16:35:00.000Z') },
      ],
    });
    await clinic.book(
      clinic.bookingRequest('2026-11-03T16:00:00.000Z', { doctorId: doctor.id, patientId: clinic.addPatient() }),
    );
    const response = await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z', { doctorId: doctor.id }));
    expect(readProblem(response.body).alternatives?.map(({ start }) => start)).toEqual([
      '2026-12-20T16:00:00.000Z',
      '2026-12-20T16:05:00.000Z',
    ]);
  });

  it('refuses bookings that overlap in part, whatever their lengths', async () => {
    const clinic = await startClinic();
    const [short, long] = [await clinic.addType({ durationMinutes: 5 }), await clinic.addType({ durationMinutes: 90 })];
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    const attempts: [string, string][] = [
      [long.id, '2026-11-03T15:00:00.000Z'],
      [long.id, '2026-11-03T14:35:00.000Z'],
      [short.id, '2026-11-03T16:00:00.000Z'],
      [short.id, '2026-11-03T16:25:00.000Z'],
      [clinic.type.id, '2026-11-03T15:35:00.000Z'],
      [clinic.type.id, '2026-11-03T16:25:00.000Z'],
      [long.id, '2026-11-03T16:25:00.000Z'],
    ];
    for (const [appointmentTypeId, start] of attempts) {
      const bookingRequest = clinic.bookingRequest(start, { appointmentTypeId, patientId: clinic.addPatient() });
      expect(await clinic.post('', bookingRequest)).toMatchObject(problem(409, 'slot-taken'));
    }
    const touching: [string, string][] = [
      [long.id, '2026-11-03T14:30:00.000Z'],
      [short.id, '2026-11-03T16:30:00.000Z'],
    ];
    for (const [appointmentTypeId, start] of touching) {
      await clinic.book(clinic.bookingRequest(start, { appointmentTypeId, patientId: clinic.addPatient() }));
    }
    await clinic.expectReservationsMatch();
  });

  it('lets some of many that overlap in part, of different lengths and all at once, have it, and no two that overlap', async () => {
    const clinic = await startClinic();
    const types = [
      clinic.type,
      await clinic.addType({ durationMinutes: 5 }),
      await clinic.addType({ durationMinutes: 90 }),
    ];
    const responses = await Promise.all(
      Array.from({ length: 36 }, (_, n) =>
        clinic.post('', {
          ...clinic.bookingRequest(iso(at('2026-11-03T16:00:00.000Z') + (n % 12) * 300_000), {
            patientId: clinic.addPatient(),
          }),
          appointmentTypeId: types[n % 3]?.id,
        }),
      ),
    );
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([201, 409]));
    const booked = (await clinic.list({ limit: '100' })).items;
    expect(booked).toHaveLength(responses.filter(({ status }) => status === 201).length);
    for (const [index, { start }] of booked.entries()) {
      if (index > 0) expect(at(start)).toBeGreaterThanOrEqual(at(booked[index - 1]?.end ?? ''));
    }
    await clinic.expectReservationsMatch();
  });

  it('refuses a patient who has another doctor at that time, with times free for both', async () => {
    const clinic = await startClinic();
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    const doctorId = clinic.addDoctor().id;
    const response = await clinic.post('', clinic.bookingRequest('2026-11-03T16:15:00.000Z', { doctorId }));
    expect(response).toMatchObject(problem(409, 'patient-busy'));
    const { alternatives = [] } = readProblem(response.body);
    expect(alternatives).toHaveLength(5);
    for (const slot of alternatives) {
      expect(slot.doctorId).toBe(doctorId);
      expect(at(slot.end) <= at('2026-11-03T16:00:00.000Z') || at(slot.start) >= at('2026-11-03T16:30:00.000Z')).toBe(
        true,
      );
    }
    await clinic.expectReservationsMatch();
  });

  it('gives the seats of a group to as many as it has', async () => {
    const clinic = await startClinic({ capacity: 3 });
    const attempt = () =>
      clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() }));
    const responses = [await attempt(), await attempt(), await attempt(), await attempt()];
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 409]);
    expect(responses[3]).toMatchObject(problem(409, 'slot-taken'));
    await clinic.expectReservationsMatch();
  });

  it('gives the last seat to one of many simultaneous requests', async () => {
    const clinic = await startClinic({ capacity: 3 });
    const responses = await Promise.all(
      Array.from({ length: 20 }, () =>
        clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() })),
      ),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 201, 201, ...Array<number>(17).fill(409)]);
    await clinic.expectReservationsMatch();
  });

  it('gives no patient two seats of a group', async () => {
    const clinic = await startClinic({ capacity: 3 });
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    expect(await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'))).toMatchObject(
      problem(409, 'patient-busy'),
    );
  });

  it('gives a seat that came free to the next', async () => {
    const clinic = await startClinic({ capacity: 2 });
    const bookingRequest = () => clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() });
    const first = await clinic.book(bookingRequest());
    await clinic.book(bookingRequest());
    await clinic.post(`/${first.id}/cancel`, { reason: 'ill' });
    await clinic.book(bookingRequest());
    expect(await clinic.post('', bookingRequest())).toMatchObject(problem(409, 'slot-taken'));
    await clinic.expectReservationsMatch();
  });

  it('does not put a visit for one into a group of which a seat came free', async () => {
    const clinic = await startClinic();
    const group = await clinic.addType({ capacity: 3 });
    const inGroup = () =>
      clinic.bookingRequest('2026-11-03T16:00:00.000Z', {
        patientId: clinic.addPatient(),
        appointmentTypeId: group.id,
      });
    const first = await clinic.book(inGroup());
    await clinic.book(inGroup());
    await clinic.post(`/${first.id}/cancel`, { reason: 'ill' });
    expect(await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'))).toMatchObject(
      problem(409, 'slot-taken'),
    );
    await clinic.expectReservationsMatch();
  });

  it('counts the taken seats, not their numbers', async () => {
    const clinic = await startClinic({ capacity: 2 });
    const large = await clinic.addType({ capacity: 4 });
    const inLarge = () =>
      clinic.bookingRequest('2026-11-03T16:00:00.000Z', {
        patientId: clinic.addPatient(),
        appointmentTypeId: large.id,
      });
    const members = [];
    for (let count = 0; count < 4; count += 1) members.push(await clinic.book(inLarge()));
    for (const { id } of members.slice(0, 2)) await clinic.post(`/${id}/cancel`, { reason: 'ill' });
    const bookingRequest = clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() });
    expect(await clinic.post('', bookingRequest)).toMatchObject(problem(409, 'slot-taken'));
    await clinic.expectReservationsMatch();
  });

  it('does not put a group where a visit for one has the doctor, and shows no such time', async () => {
    const clinic = await startClinic();
    const group = await clinic.addType({ capacity: 3 });
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    const inGroup = clinic.bookingRequest('2026-11-03T16:15:00.000Z', {
      patientId: clinic.addPatient(),
      appointmentTypeId: group.id,
    });
    expect(await clinic.post('', inGroup)).toMatchObject(problem(409, 'slot-taken'));
    const slots = await clinic.slots({
      doctorId: clinic.doctor.id,
      appointmentTypeId: group.id,
      from: '2026-11-03T15:30:00.000Z',
      to: '2026-11-03T16:35:00.000Z',
    });
    expect(slots.map(({ start }) => start)).toEqual(['2026-11-03T15:30:00.000Z', '2026-11-03T16:30:00.000Z']);
    await clinic.expectReservationsMatch();
  });

  it('gives a time to one of fifty simultaneous requests for it', async () => {
    const clinic = await startClinic();
    const responses = await Promise.all(
      Array.from({ length: 50 }, () =>
        clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() })),
      ),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(49).fill(409)]);
    for (const { status, body } of responses) if (status === 409) expect(body).toMatchObject({ code: 'slot-taken' });
    expect((await clinic.list({})).items).toHaveLength(1);
    expect(await clinic.outbox()).toHaveLength(1);
    await clinic.expectReservationsMatch();
  });

  it('lets one of fifty identical requests of one patient through', async () => {
    const clinic = await startClinic();
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'))),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(49).fill(409)]);
    await clinic.expectReservationsMatch();
  });

  it('gives a patient one of ten doctors that are booked simultaneously', async () => {
    const clinic = await startClinic();
    const responses = await Promise.all(
      Array.from({ length: 10 }, () =>
        clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z', { doctorId: clinic.addDoctor().id })),
      ),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
    await clinic.expectReservationsMatch();
  });
});

describe('a booking that cannot be', () => {
  it.each([
    ['off the grid', '2026-11-03T16:01:00.000Z', 422, 'not-on-grid', 0],
    ['in the past', '2026-11-02T07:55:00.000Z', 422, 'too-soon', 5],
    ['at the beginning of time', '0000-01-01T00:00:00.000Z', 422, 'too-soon', 5],
    ['before the doctor works', '2026-11-03T13:55:00.000Z', 422, 'outside-availability', 5],
    ['across the end of the hours', '2026-11-03T21:35:00.000Z', 422, 'outside-availability', 5],
    ['beyond the horizon', '2027-05-30T16:00:00.000Z', 422, 'too-far-ahead', 0],
    ['at the end of time', '9999-12-31T23:55:00.000Z', 422, 'too-far-ahead', 0],
  ])('is refused %s', async (_when, start, status, code, alternatives) => {
    const clinic = await startClinic();
    const response = await clinic.post('', clinic.bookingRequest(start));
    expect(response).toMatchObject(problem(status, code));
    expect(readProblem(response.body).alternatives?.length ?? 0).toBe(alternatives);
    expect(await clinic.reservations()).toEqual([]);
    expect(await clinic.outbox()).toEqual([]);
  });

  it('is refused within the minimum notice, with times after it', async () => {
    const clinic = await startClinic({ minimumNoticeMinutes: 1440 });
    const response = await clinic.post('', clinic.bookingRequest('2026-11-02T16:00:00.000Z'));
    expect(response).toMatchObject(problem(422, 'too-soon'));
    expect(readProblem(response.body).alternatives?.[0]).toMatchObject({ start: '2026-11-03T14:00:00.000Z' });
  });

  it('is refused for a patient, doctor or type that is not there', async () => {
    const clinic = await startClinic();
    const start = '2026-11-03T16:00:00.000Z';
    const refusals: [object, string][] = [
      [{ patientId: UNKNOWN_ID }, 'patient-not-found'],
      [{ doctorId: UNKNOWN_ID }, 'doctor-not-found'],
      [{ appointmentTypeId: UNKNOWN_ID }, 'appointment-type-not-found'],
    ];
    for (const [fields, code] of refusals) {
      const response = await clinic.post('', clinic.bookingRequest(start, fields));
      expect(response).toMatchObject(problem(422, code));
      expect(response.body).not.toHaveProperty('alternatives');
    }
  });

  it('is refused for a patient, doctor or type that is not active', async () => {
    const clinic = await startClinic();
    const start = '2026-11-03T16:00:00.000Z';
    const patientId = clinic.addPatient(false);
    expect(await clinic.post('', clinic.bookingRequest(start, { patientId }))).toMatchObject(
      problem(422, 'patient-inactive'),
    );
    const doctorId = clinic.addDoctor({ active: false }).id;
    expect(await clinic.post('', clinic.bookingRequest(start, { doctorId }))).toMatchObject(
      problem(422, 'doctor-inactive'),
    );
    await clinic.call('PATCH', `/appointment-types/${clinic.type.id}`, { active: false });
    const response = await clinic.post('', clinic.bookingRequest(start));
    expect(response).toMatchObject(problem(422, 'appointment-type-inactive'));
    expect(response.body).not.toHaveProperty('alternatives');
    expect(await clinic.reservations()).toEqual([]);
  });

  it('is refused with every fault of the body at once', async () => {
    const { post } = await startAppointments();
    const response = await post('', { patientId: 'ana', start: '2026-11-03T16:00:00', reason: '', room: 7 });
    expect(response).toMatchObject(problem(400, 'invalid-request'));
    expect(new Set(readProblem(response.body).errors?.map(({ pointer }) => pointer))).toEqual(
      new Set(['/patientId', '/doctorId', '/appointmentTypeId', '/start', '/reason', '/room']),
    );
  });

  it.each(['2026-11-03T16:00:00', '2026-11-03 16:00:00Z', '2026-11-03', '2026-02-30T16:00:00.000Z', '16:00'])(
    'is refused with the start %s',
    async (start) => {
      const clinic = await startClinic();
      expect(await clinic.post('', clinic.bookingRequest(start))).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/start' }] },
      });
    },
  );

  it('shows nothing of the reason, the patient or the doctor', async () => {
    const clinic = await startClinic();
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    const secret = {
      ...clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() }),
      reason: 'a secret',
    };
    const { body } = await clinic.post('', secret);
    expect(JSON.stringify(body)).not.toMatch(/secret/);
    expect(JSON.stringify(body)).not.toContain(secret.patientId);
    expect(JSON.stringify(body)).not.toContain(clinic.patientId);
  });
});

describe('while a service is down', () => {
  it('is refused for its own reason, without alternatives, when they cannot be looked up', async () => {
    const clinic = await startClinic();
    await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    const again = clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() });
    clinic.state.responsesLeft = 2;
    const response = await clinic.post('', again);
    expect(response).toMatchObject(problem(409, 'slot-taken'));
    expect(readProblem(response.body).alternatives).toEqual([]);
  });

  it('a booking returns 503 and keeps nothing', async () => {
    const clinic = await startClinic();
    clinic.state.down = true;
    const bookingRequest = clinic.bookingRequest('2026-11-03T16:00:00.000Z');
    const headers = { 'idempotency-key': 'k1' };
    const response = await clinic.post('', bookingRequest, headers);
    expect(response).toMatchObject({ ...problem(503, 'service-unavailable'), headers: { 'retry-after': '1' } });
    expect(await clinic.reservations()).toEqual([]);
    expect(await clinic.outbox()).toEqual([]);
    expect((await clinic.list({})).items).toEqual([]);
    clinic.state.down = false;
    expect(await clinic.post('', bookingRequest, headers)).toMatchObject({ status: 201 });
  });

  it('a move returns 503 and changes nothing; a cancellation needs no other service', async () => {
    const clinic = await startClinic();
    const before = await clinic.book(clinic.bookingRequest('2026-11-03T16:00:00.000Z'));
    clinic.state.down = true;
    expect(await clinic.post(`/${before.id}/reschedule`, { start: '2026-11-03T17:00:00.000Z' })).toMatchObject(
      problem(503, 'service-unavailable'),
    );
    expect(await clinic.read(before.id)).toEqual(before);
    await clinic.expectReservationsMatch();
    expect(await clinic.post(`/${before.id}/cancel`, { reason: 'ill' })).toMatchObject({ status: 200 });
  });
});

it('a booking whose caller is gone is not made', async () => {
  const { dependencies, bookingRequest, reservations } = await startClinic();
  const desk = { id: 'desk', role: 'front-desk', patientIds: [] } as const;
  const write = (awaited: boolean) => ({
    storeResponse: async () => undefined,
    checkVersion: () => undefined,
    isCallerWaiting: () => awaited,
  });
  const given = bookAppointment(dependencies, desk, bookingRequest('2026-11-03T16:00:00.000Z'), write(false));
  await expect(given).rejects.toMatchObject({ code: 'deadline-exceeded' });
  expect(await reservations()).toEqual([]);
  await bookAppointment(dependencies, desk, bookingRequest('2026-11-03T16:00:00.000Z'), write(true));
  expect(await reservations()).toHaveLength(12);
});

describe('a booking that is sent again with its Idempotency-Key', () => {
  it('makes one appointment and gets the first response', async () => {
    const clinic = await startClinic();
    const headers = { 'idempotency-key': 'k1' };
    const bookingRequest = clinic.bookingRequest('2026-11-03T16:00:00.000Z');
    const first = await clinic.post('', bookingRequest, headers);
    const again = await clinic.post('', bookingRequest, headers);
    expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    expect([again.headers.location, again.headers.etag]).toEqual([first.headers.location, first.headers.etag]);
    expect((await clinic.list({})).items).toHaveLength(1);
    expect(await clinic.outbox()).toHaveLength(1);
    await clinic.expectReservationsMatch();
  });

  it('gets the same refusal, even when the time has come free since', async () => {
    const clinic = await startClinic();
    const first = await clinic.book(
      clinic.bookingRequest('2026-11-03T16:00:00.000Z', { patientId: clinic.addPatient() }),
    );
    const headers = { 'idempotency-key': 'k1' };
    const refused = await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'), headers);
    expect(refused).toMatchObject(problem(409, 'slot-taken'));
    await clinic.post(`/${first.id}/cancel`, { reason: 'ill' });
    const again = await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'), headers);
    expect(again).toMatchObject({ status: 409, body: refused.body, headers: { 'idempotency-replayed': 'true' } });
    expect(await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'))).toMatchObject({ status: 201 });
  });

  it('makes one appointment also when both are sent at once', async () => {
    const clinic = await startClinic();
    const headers = { 'idempotency-key': 'k1' };
    const bookingRequest = clinic.bookingRequest('2026-11-03T16:00:00.000Z');
    const responses = await Promise.all([
      clinic.post('', bookingRequest, headers),
      clinic.post('', bookingRequest, headers),
    ]);
    const codes = responses.map(({ status }) => status).sort();
    expect(codes[0]).toBe(201);
    for (const response of responses) {
      if (response.status !== 201) expect(response).toMatchObject(problem(409, 'idempotency-key-in-use'));
    }
    expect((await clinic.list({})).items).toHaveLength(1);
  });

  it('is refused with another body', async () => {
    const clinic = await startClinic();
    const headers = { 'idempotency-key': 'k1' };
    await clinic.post('', clinic.bookingRequest('2026-11-03T16:00:00.000Z'), headers);
    expect(await clinic.post('', clinic.bookingRequest('2026-11-03T17:00:00.000Z'), headers)).toMatchObject(
      problem(422, 'idempotency-key-reused'),
    );
    expect((await clinic.list({})).items).toHaveLength(1);
  });
});
