import type { NewAppointmentType } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { explainStart } from '../domain/slots/explanation.ts';
import { at, iso, readAppointment, readProblem, startClinic, UNKNOWN_ID } from '../testing.ts';

const MINUTE = 60_000;
const FREE = '2026-11-03T16:00:00.000Z';

async function startExplaining(rules: Partial<NewAppointmentType> = {}) {
  const clinic = await startClinic(rules);
  const codes = async (query: Record<string, string>) => (await clinic.explain(query)).reasons.map(({ code }) => code);
  return { ...clinic, codes };
}

type Clinic = Awaited<ReturnType<typeof startExplaining>>;
type BookingBody = ReturnType<Clinic['bookingRequest']>;

/** Returns a booking request of a patient without other visits. */
const someoneElse = ({ addPatient, bookingRequest }: Clinic, start: string, more: Partial<BookingBody> = {}) =>
  bookingRequest(start, { patientId: addPatient(), ...more });

const withoutPatient = ({ patientId: _, ...bookingRequest }: BookingBody) => bookingRequest;

/** Returns whether a booking is accepted, and its refusal otherwise. Cancels an accepted booking. */
async function tryBooking({ post }: Clinic, bookingRequest: BookingBody) {
  const response = await post('', bookingRequest);
  if (response.status !== 201) {
    const { code, detail, alternatives = [] } = readProblem(response.body);
    return { bookable: false, first: { code, detail }, alternatives };
  }
  await post(`/${readAppointment(response.body).id}/cancel`, { reason: 'only tried' });
  return { bookable: true, first: undefined, alternatives: [] };
}

async function expectSameAsBooking(clinic: Clinic, bookingRequest: BookingBody): Promise<boolean> {
  const { bookable, reasons, alternatives } = await clinic.explain(bookingRequest);
  const explained = { bookingRequest, bookable, first: reasons[0], alternatives };
  expect(explained).toEqual({ bookingRequest, ...(await tryBooking(clinic, bookingRequest)) });
  return bookable;
}

describe('the explanation of a start', () => {
  it('that nothing stands in the way of is bookable', async () => {
    const { explain, bookingRequest } = await startExplaining();
    expect(await explain(bookingRequest(FREE))).toEqual({ bookable: true, reasons: [], alternatives: [] });
    expect(await explain(bookingRequest('2026-11-03T11:00:00-05:00'))).toMatchObject({ bookable: true });
  });

  it.each<[string, string, (clinic: Clinic) => Promise<BookingBody> | BookingBody]>([
    [
      'an unknown patient',
      'patient-not-found',
      ({ bookingRequest }) => bookingRequest(FREE, { patientId: UNKNOWN_ID }),
    ],
    [
      'an inactive patient',
      'patient-inactive',
      ({ bookingRequest, addPatient }) => bookingRequest(FREE, { patientId: addPatient(false) }),
    ],
    ['an unknown doctor', 'doctor-not-found', ({ bookingRequest }) => bookingRequest(FREE, { doctorId: UNKNOWN_ID })],
    [
      'an inactive doctor',
      'doctor-inactive',
      ({ bookingRequest, addDoctor }) => bookingRequest(FREE, { doctorId: addDoctor({ active: false }).id }),
    ],
    [
      'an unknown type',
      'appointment-type-not-found',
      ({ bookingRequest }) => bookingRequest(FREE, { appointmentTypeId: UNKNOWN_ID }),
    ],
    [
      'a type that is not in use',
      'appointment-type-inactive',
      async ({ bookingRequest, addType }) =>
        bookingRequest(FREE, { appointmentTypeId: (await addType({ active: false })).id }),
    ],
    ['a start off the grid', 'not-on-grid', ({ bookingRequest }) => bookingRequest('2026-11-03T16:01:00.000Z')],
    [
      'a start in the past',
      'too-soon',
      ({ bookingRequest, time }) => {
        time.now = Temporal.Instant.from('2026-11-03T16:00:01.000Z');
        return bookingRequest(FREE);
      },
    ],
    [
      'a start within the notice',
      'too-soon',
      async ({ bookingRequest, addType }) =>
        bookingRequest(FREE, { appointmentTypeId: (await addType({ minimumNoticeMinutes: 3 * 1440 })).id }),
    ],
    ['a start beyond the horizon', 'too-far-ahead', ({ bookingRequest }) => bookingRequest('2027-05-30T16:00:00.000Z')],
    [
      'a start when the doctor does not work',
      'outside-availability',
      ({ bookingRequest }) => bookingRequest('2026-11-03T13:55:00.000Z'),
    ],
    [
      'a start when the clinic is closed',
      'clinic-closed',
      ({ bookingRequest, doctor, changeDoctor }) => {
        const closed = [{ start: at('2026-11-03T05:00:00.000Z'), end: at('2026-11-04T05:00:00.000Z') }];
        const open = doctor.open.filter(({ start }) => !closed.some((day) => day.start <= start && start < day.end));
        changeDoctor(doctor, { open, closed });
        return bookingRequest(FREE);
      },
    ],
    [
      'a start that is taken',
      'slot-taken',
      async (clinic) => {
        await clinic.book(someoneElse(clinic, FREE));
        return clinic.bookingRequest(FREE);
      },
    ],
    [
      'a start at which the patient is elsewhere',
      'patient-busy',
      async ({ book, bookingRequest, addDoctor }) => {
        await book(bookingRequest(FREE, { doctorId: addDoctor().id }));
        return bookingRequest(FREE);
      },
    ],
  ])('names one rule alone for %s, with the words of a refused booking', async (_what, code, arrange) => {
    const clinic = await startExplaining();
    const bookingRequest = await arrange(clinic);
    expect(await clinic.codes(bookingRequest)).toEqual([code]);
    expect(await expectSameAsBooking(clinic, bookingRequest)).toBe(false);
  });

  it('names every rule that stands in the way, first the one that a booking is refused with', async () => {
    const clinic = await startExplaining();
    const { id: appointmentTypeId } = await clinic.addType({ active: false });
    const patientId = clinic.addPatient(false);
    const doctorId = clinic.addDoctor({ active: false }).id;
    const bookingRequest = clinic.bookingRequest('2026-11-02T07:56:00.000Z', {
      patientId,
      doctorId,
      appointmentTypeId,
    });
    expect(await clinic.codes(bookingRequest)).toEqual([
      'patient-inactive',
      'doctor-inactive',
      'appointment-type-inactive',
      'not-on-grid',
      'too-soon',
      'outside-availability',
    ]);
    await expectSameAsBooking(clinic, bookingRequest);
  });

  it('names patient and doctor when both are busy', async () => {
    const clinic = await startExplaining();
    await clinic.book(clinic.bookingRequest(FREE));
    expect(await clinic.codes(clinic.bookingRequest(FREE))).toEqual(['slot-taken', 'patient-busy']);
    await expectSameAsBooking(clinic, clinic.bookingRequest(FREE));
  });

  it('names all unknown participants at once, and what stands in the way for any of them', async () => {
    const clinic = await startExplaining();
    const unknown = { patientId: UNKNOWN_ID, doctorId: UNKNOWN_ID, appointmentTypeId: UNKNOWN_ID };
    const missing = ['appointment-type-not-found', 'patient-not-found', 'doctor-not-found'];
    expect(await clinic.codes(clinic.bookingRequest(FREE, unknown))).toEqual(missing);
    const past = clinic.bookingRequest('2026-11-02T07:56:00.000Z', unknown);
    expect(await clinic.codes(past)).toEqual([...missing, 'not-on-grid', 'too-soon']);
    await expectSameAsBooking(clinic, past);
  });

  it('applies the rules of the type and the patient for a doctor who is not there', async () => {
    const clinic = await startExplaining();
    await clinic.book(clinic.bookingRequest(FREE));
    const far = clinic.bookingRequest('9999-12-31T23:55:00.000Z', { doctorId: UNKNOWN_ID });
    expect(await clinic.codes(far)).toEqual(['doctor-not-found', 'too-far-ahead']);
    expect(await clinic.codes(clinic.bookingRequest(FREE, { doctorId: UNKNOWN_ID }))).toEqual([
      'doctor-not-found',
      'patient-busy',
    ]);
  });

  it('names for a type that is not there only what no type allows', async () => {
    const clinic = await startExplaining();
    const unknown = { appointmentTypeId: UNKNOWN_ID };
    const group = await clinic.addType({ capacity: 2 });
    await clinic.book(someoneElse(clinic, FREE));
    await clinic.book(someoneElse(clinic, '2026-11-03T18:00:00.000Z', { appointmentTypeId: group.id }));
    const expected: [string, string[]][] = [
      [FREE, ['slot-taken']],
      ['2026-11-03T18:00:00.000Z', []],
      ['2026-11-03T15:55:00.000Z', []],
      ['2026-11-03T21:55:00.000Z', []],
      ['2026-11-03T22:00:00.000Z', ['outside-availability']],
      ['9999-12-31T23:55:00.000Z', ['outside-availability']],
    ];
    for (const [start, others] of expected) {
      expect(await clinic.codes(clinic.bookingRequest(start, unknown))).toEqual([
        'appointment-type-not-found',
        ...others,
      ]);
    }
  });

  it.each([
    ['off the grid', '2026-11-03T16:00:00.001Z', ['not-on-grid']],
    ['in the past', '2026-11-02T07:55:00.000Z', ['too-soon', 'outside-availability']],
    ['at the beginning of time', '0000-01-01T00:00:00.000Z', ['too-soon', 'outside-availability']],
    ['beyond the horizon, by night', '2027-05-30T03:00:00.000Z', ['too-far-ahead', 'outside-availability']],
    ['at the end of time', '9999-12-31T23:55:00.000Z', ['too-far-ahead', 'outside-availability']],
    [
      'after the last moment of the grid',
      '9999-12-31T23:59:59.999Z',
      ['not-on-grid', 'too-far-ahead', 'outside-availability'],
    ],
  ])('%s is the refusal of a booking', async (_when, start, codes) => {
    const clinic = await startExplaining();
    expect(await clinic.codes(clinic.bookingRequest(start))).toEqual(codes);
    await expectSameAsBooking(clinic, clinic.bookingRequest(start));
  });

  it("leaves the patient's rules out when no patient is named", async () => {
    const clinic = await startExplaining();
    await clinic.book(clinic.bookingRequest(FREE, { doctorId: clinic.addDoctor().id }));
    expect(await clinic.codes(clinic.bookingRequest(FREE))).toEqual(['patient-busy']);
    clinic.contexts.length = 0;
    expect(await clinic.explain(withoutPatient(clinic.bookingRequest(FREE)))).toMatchObject({ bookable: true });
    expect(clinic.contexts).toHaveLength(1);
  });

  it('reads ids however they are written', async () => {
    const clinic = await startExplaining();
    await clinic.book(clinic.bookingRequest(FREE));
    const { start, ...ids } = clinic.bookingRequest(FREE);
    const upper = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, id.toUpperCase()]));
    expect(await clinic.codes({ start, ...upper })).toEqual(['slot-taken', 'patient-busy']);
  });

  it('calls the other services in the name of its caller, within the same trace', async () => {
    const { call, bookingRequest, contexts } = await startExplaining();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const path = `/slots/explanation?${new URLSearchParams(bookingRequest(FREE))}`;
    expect(await call('GET', path, undefined, headers)).toMatchObject({ status: 200 });
    expect(contexts).toHaveLength(2);
    for (const { caller, traceparent } of contexts) {
      expect(caller).toMatchObject({ id: 'administrator', role: 'administrator' });
      expect(traceparent).toContain(traceId);
    }
  });

  it('does not show a patient when others are busy, only what is free', async () => {
    const { dependencies, bookingRequest } = await startExplaining();
    const context = { caller: { id: 'ana', role: 'patient', patientIds: [] } } as const;
    expect(await explainStart(dependencies, bookingRequest(FREE), context)).toMatchObject({
      reasons: [{ code: 'patient-not-found' }],
      alternatives: [],
    });
    expect(await explainStart(dependencies, withoutPatient(bookingRequest(FREE)), context)).toMatchObject({
      bookable: true,
    });
  });
});

describe('the alternatives of an explanation', () => {
  it('are those of the refused booking, and each can be booked', async () => {
    const clinic = await startExplaining({ bufferBeforeMinutes: 5, bufferAfterMinutes: 10 });
    for (const start of ['15:00', '16:00', '17:00']) {
      await clinic.book(someoneElse(clinic, `2026-11-03T${start}:00.000Z`));
    }
    await clinic.book(clinic.bookingRequest('2026-11-03T15:35:00.000Z', { doctorId: clinic.addDoctor().id }));
    await expectSameAsBooking(clinic, clinic.bookingRequest(FREE));
    const { alternatives } = await clinic.explain(clinic.bookingRequest(FREE));
    expect(alternatives).toHaveLength(5);
    for (const { start } of alternatives) {
      expect(await clinic.explain(clinic.bookingRequest(start))).toMatchObject({ bookable: true });
      expect(await tryBooking(clinic, clinic.bookingRequest(start))).toMatchObject({ bookable: true });
    }
  });

  it('are free for the doctor alone when no patient is named', async () => {
    const clinic = await startExplaining();
    await clinic.book(someoneElse(clinic, FREE));
    await clinic.book(clinic.bookingRequest('2026-11-03T16:30:00.000Z', { doctorId: clinic.addDoctor().id }));
    const startsFor = async (query: Record<string, string>) =>
      (await clinic.explain(query)).alternatives.map(({ start }) => start);
    expect(await startsFor(withoutPatient(clinic.bookingRequest(FREE)))).toContain('2026-11-03T16:30:00.000Z');
    expect(await startsFor(clinic.bookingRequest(FREE))).not.toContain('2026-11-03T16:30:00.000Z');
  });

  it('are left out when they cannot be looked up, and the reasons stay', async () => {
    const clinic = await startExplaining();
    await clinic.book(someoneElse(clinic, FREE));
    clinic.state.responsesLeft = 2;
    expect(await clinic.explain(clinic.bookingRequest(FREE))).toMatchObject({
      bookable: false,
      reasons: [{ code: 'slot-taken' }],
      alternatives: [],
    });
  });
});

describe('a request for an explanation', () => {
  it('is refused with every fault at once, and with what is not known here', async () => {
    const { call, bookingRequest } = await startExplaining();
    const search = (query: Record<string, string>) => call('GET', `/slots/explanation?${new URLSearchParams(query)}`);
    const response = await search({ patientId: 'ana', start: '2026-11-03T16:00:00', room: '7' });
    expect(response).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(new Set(readProblem(response.body).errors?.map(({ pointer }) => pointer))).toEqual(
      new Set(['/patientId', '/doctorId', '/appointmentTypeId', '/start', '/room']),
    );
    expect(await search({ ...bookingRequest(FREE), room: '7' })).toMatchObject({ status: 400 });
  });

  it.each([0, 1])('returns 503 when a service is down after %i responses', async (responsesLeft) => {
    const { call, bookingRequest, state } = await startExplaining();
    state.responsesLeft = responsesLeft;
    expect(await call('GET', `/slots/explanation?${new URLSearchParams(bookingRequest(FREE))}`)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { code: 'service-unavailable' },
    });
  });

  it('writes nothing, whatever the response', async () => {
    const clinic = await startExplaining();
    await clinic.book(clinic.bookingRequest(FREE));
    const written = async () => [await clinic.reservations(), await clinic.outbox(), (await clinic.list({})).items];
    const before = await written();
    await clinic.explain(clinic.bookingRequest(FREE));
    await clinic.explain(clinic.bookingRequest('2026-11-03T18:00:00.000Z'));
    await clinic.explain(
      clinic.bookingRequest(FREE, { patientId: UNKNOWN_ID, doctorId: UNKNOWN_ID, appointmentTypeId: UNKNOWN_ID }),
    );
    expect(await written()).toEqual(before);
  });
});

describe('explained is what a booking does', () => {
  it.each<[string, Partial<NewAppointmentType>]>([
    ['a short visit', { durationMinutes: 5 }],
    ['a visit with buffers', { durationMinutes: 25, bufferBeforeMinutes: 15, bufferAfterMinutes: 40 }],
    ['a visit with notice', { durationMinutes: 30, minimumNoticeMinutes: 1_500 }],
    ['a visit with a near horizon', { durationMinutes: 30, planningHorizonDays: 1 }],
    ['a group', { durationMinutes: 45, capacity: 2, bufferBeforeMinutes: 5 }],
    ['a group for many', { durationMinutes: 45, capacity: 5 }],
  ])('for %s, at every start of a busy day', async (_what, rules) => {
    const clinic = await startExplaining(rules);
    clinic.time.now = Temporal.Instant.from('2026-11-02T15:31:00.000Z');
    await fillDay(clinic);
    const bookable = new Set<boolean>();
    // Every second start is off the grid.
    for (let start = at('2026-11-03T13:00:00.000Z'); start < at('2026-11-03T23:00:00.000Z'); start += 2.5 * MINUTE) {
      bookable.add(await expectSameAsBooking(clinic, clinic.bookingRequest(iso(start))));
    }
    expect(bookable).toEqual(new Set([true, false]));
  });
});

/**
 * Books an exclusive visit, a group with a gap in its seats, a visit of the same type, and one of the patient
 * elsewhere.
 */
async function fillDay(clinic: Clinic): Promise<void> {
  const single = await clinic.addType({ durationMinutes: 20 });
  const group = await clinic.addType({ durationMinutes: 60, capacity: 3 });
  await clinic.book(someoneElse(clinic, '2026-11-03T14:40:00.000Z', { appointmentTypeId: single.id }));
  const inGroup = (start: string) => clinic.book(someoneElse(clinic, start, { appointmentTypeId: group.id }));
  const first = await inGroup('2026-11-03T17:00:00.000Z');
  await inGroup('2026-11-03T17:30:00.000Z');
  await clinic.post(`/${first.id}/cancel`, { reason: 'ill' });
  await clinic.post('', someoneElse(clinic, '2026-11-03T20:00:00.000Z'));
  const elsewhere = clinic.addDoctor().id;
  await clinic.book(
    clinic.bookingRequest('2026-11-03T19:00:00.000Z', { doctorId: elsewhere, appointmentTypeId: single.id }),
  );
}
