import type { NewAppointmentType } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { at, iso, startClinic, UNKNOWN_ID } from '../testing.ts';

const MINUTE = 60_000;
const day = { from: '2026-11-03T00:00:00.000Z', to: '2026-11-04T00:00:00.000Z' };

async function startSearching(rules: Partial<NewAppointmentType> = {}) {
  const clinic = await startClinic(rules);
  const query = (more: Record<string, string> = {}) => ({
    doctorId: clinic.doctor.id,
    appointmentTypeId: clinic.type.id,
    ...day,
    ...more,
  });
  const starts = async (more?: Record<string, string>) => (await clinic.slots(query(more))).map(({ start }) => start);
  return { ...clinic, query, starts };
}

describe('the free slots of a doctor', () => {
  it('are in time order, as many as requested, with end and zone', async () => {
    const { doctor, slots, query } = await startSearching();
    const found = await slots(query({ limit: '2' }));
    const common = { doctorId: doctor.id, timeZone: 'America/New_York', status: 'free' };
    expect(found).toEqual([
      { ...common, start: '2026-11-03T14:00:00.000Z', end: '2026-11-03T14:30:00.000Z' },
      { ...common, start: '2026-11-03T14:05:00.000Z', end: '2026-11-03T14:35:00.000Z' },
    ]);
    expect(await slots(query())).toHaveLength(20);
  });

  it.each(['1', '7', '19', '100'])('are all of the range, read in pages of %s', async (limit) => {
    const { allSlots, slots, query } = await startSearching();
    const range = { from: '2026-11-03T12:00:00.000Z', to: '2026-11-03T16:00:00.000Z' };
    expect(await allSlots(query({ ...range, limit }))).toEqual(await slots(query({ ...range, limit: '100' })));
  });

  it('do not end without a word when a page is full', async () => {
    const { allSlots, query } = await startSearching();
    const found = await allSlots(query({ limit: '100', to: '2026-11-05T00:00:00.000Z' }));
    const last = found
      .map(({ start }) => start)
      .filter((start) => start.startsWith('2026-11-03'))
      .at(-1);
    expect(last).toBe('2026-11-03T21:30:00.000Z');
    expect(new Set(found.map(({ start }) => start)).size).toBe(found.length);
  });

  it('start within the range, and may end after it', async () => {
    const { starts } = await startSearching();
    const range = { from: '2026-11-03T16:02:00.000Z', to: '2026-11-03T16:15:00.000Z' };
    expect(await starts(range)).toEqual(['2026-11-03T16:05:00.000Z', '2026-11-03T16:10:00.000Z']);
    const same = { from: '2026-11-03T16:00:00.000Z', to: '2026-11-03T16:00:00.000Z' };
    expect(await starts(same)).toEqual([]);
  });

  it('do not lie in the past, within the notice or beyond the horizon', async () => {
    const { starts, time } = await startSearching({ minimumNoticeMinutes: 60, planningHorizonDays: 2 });
    time.now = Temporal.Instant.from('2026-11-03T19:58:00.000Z');
    const now = { from: '2026-11-03T00:00:00.000Z', to: '2026-11-04T00:00:00.000Z', limit: '1' };
    expect(await starts(now)).toEqual(['2026-11-03T21:00:00.000Z']);
    const last = { from: '2026-11-05T19:50:00.000Z', to: '2026-11-06T00:00:00.000Z' };
    expect(await starts(last)).toEqual(['2026-11-05T19:50:00.000Z', '2026-11-05T19:55:00.000Z']);
  });

  it('leave out what is taken, and come back when it is cancelled', async () => {
    const { book, bookingRequest, post, starts } = await startSearching();
    const range = { from: '2026-11-03T15:00:00.000Z', to: '2026-11-03T17:00:00.000Z', limit: '100' };
    const before = await starts(range);
    const { id } = await book(bookingRequest('2026-11-03T16:00:00.000Z'));
    const taken = before.filter((start) => start > '2026-11-03T15:30:00.000Z' && start < '2026-11-03T16:30:00.000Z');
    expect(await starts(range)).toEqual(before.filter((start) => !taken.includes(start)));
    await post(`/${id}/cancel`, { reason: 'ill' });
    expect(await starts(range)).toEqual(before);
  });

  it('are shown to a group until the last seat is taken', async () => {
    const { book, bookingRequest, addPatient, starts } = await startSearching({ capacity: 2 });
    const range = { from: '2026-11-03T16:00:00.000Z', to: '2026-11-03T16:05:00.000Z' };
    for (const left of [1, 0]) {
      await book(bookingRequest('2026-11-03T16:00:00.000Z', { patientId: addPatient() }));
      expect(await starts(range)).toHaveLength(left);
    }
  });

  it('are none of a doctor or a type that is not active', async () => {
    const { addDoctor, starts, call, type } = await startSearching();
    expect(await starts({ doctorId: addDoctor({ active: false }).id })).toEqual([]);
    await call('PATCH', `/appointment-types/${type.id}`, { active: false });
    expect(await starts()).toEqual([]);
  });

  it('are found in 61 days, with the longest visit, and in no more', async () => {
    const { starts, call, query, addType } = await startSearching();
    const [from, to] = ['2026-11-03T00:00:00.000Z', '2027-01-03T00:00:00.000Z'];
    const { id } = await addType({ durationMinutes: 1440 });
    expect(await starts({ from, to, appointmentTypeId: id })).toEqual([]);
    expect((await starts({ from, to, limit: '100' })).length).toBe(100);
    const longer = new URLSearchParams(query({ from, to: '2027-01-03T00:00:00.001Z' }));
    expect(await call('GET', `/slots?${longer}`)).toMatchObject({ status: 422, body: { code: 'range-too-long' } });
  });

  it('are refused for an unknown doctor, and for what is not a search', async () => {
    const { call, query } = await startSearching();
    const search = (more: Record<string, string>) => call('GET', `/slots?${new URLSearchParams(query(more))}`);
    expect(await search({ doctorId: UNKNOWN_ID })).toMatchObject({ status: 422, body: { code: 'doctor-not-found' } });
    expect(await search({ appointmentTypeId: UNKNOWN_ID })).toMatchObject({
      status: 422,
      body: { code: 'appointment-type-not-found' },
    });
    const faulty = [
      { specialty: 'surgery' },
      { from: '2026-11-03' },
      { to: '2026-11-02T23:59:59.000Z' },
      { limit: '0' },
      { q: 'x' },
    ];
    for (const more of faulty) {
      expect(await search(more)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    }
    const { doctorId: _, ...withoutDoctor } = query();
    expect(await call('GET', `/slots?${new URLSearchParams(withoutDoctor)}`)).toMatchObject({ status: 400 });
  });

  it('are refused with 503 while a service is down', async () => {
    const { call, query, state } = await startSearching();
    state.down = true;
    expect(await call('GET', `/slots?${new URLSearchParams(query())}`)).toMatchObject({
      status: 503,
      body: { code: 'service-unavailable' },
    });
  });
});

describe('the free slots of a specialty', () => {
  it('are those of all its active doctors, in time order', async () => {
    const { addDoctor, slots, type } = await startSearching();
    const hours = (from: string, to: string) => [
      { start: at(`2026-11-03T${from}:00.000Z`), end: at(`2026-11-03T${to}:00.000Z`) },
    ];
    const specialties = ['surgery'];
    const early = addDoctor({ specialties, open: hours('14:00', '14:35') });
    const late = addDoctor({ specialties, open: hours('14:05', '14:40'), timeZone: 'Europe/Lisbon' });
    addDoctor({ specialties, active: false });
    addDoctor({ specialties: ['cardiology'] });
    const found = await slots({ specialty: 'surgery', appointmentTypeId: type.id, ...day });
    const both = [`${early.id} 2026-11-03T14:05:00.000Z`, `${late.id} 2026-11-03T14:05:00.000Z`].sort();
    expect(found.map(({ doctorId, start }) => `${doctorId} ${start}`)).toEqual([
      `${early.id} 2026-11-03T14:00:00.000Z`,
      ...both,
      `${late.id} 2026-11-03T14:10:00.000Z`,
    ]);
    expect(await slots({ specialty: 'surgery', appointmentTypeId: type.id, ...day, limit: '1' })).toHaveLength(1);
  });

  it('are those of many doctors, who are loaded at once', async () => {
    const { addDoctor, slots, type, contexts } = await startSearching();
    const open = [{ start: at('2026-11-03T14:00:00.000Z'), end: at('2026-11-03T14:30:00.000Z') }];
    const ids = Array.from({ length: 60 }, () => addDoctor({ specialties: ['surgery'], open }).id);
    const found = await slots({ specialty: 'surgery', appointmentTypeId: type.id, ...day, limit: '100' });
    expect(found.map(({ doctorId }) => doctorId)).toEqual(ids.sort());
    expect(contexts).toHaveLength(1);
  });

  it('are all found page by page, also where more doctors are free at one time than a page holds', async () => {
    const { addDoctor, call, allSlots, type } = await startSearching();
    const open = [{ start: at('2026-11-03T14:00:00.000Z'), end: at('2026-11-03T14:35:00.000Z') }];
    const ids = Array.from({ length: 104 }, () => addDoctor({ specialties: ['surgery'], open }).id).sort();
    const query = { specialty: 'surgery', appointmentTypeId: type.id, ...day };
    const found = await allSlots({ ...query, limit: '100' });
    const starts = ['2026-11-03T14:00:00.000Z', '2026-11-03T14:05:00.000Z'];
    expect(found.map(({ start, doctorId }) => `${start} ${doctorId}`)).toEqual(
      starts.flatMap((start) => ids.map((id) => `${start} ${id}`)),
    );
    const { body } = await call('GET', `/slots?${new URLSearchParams({ ...query, limit: '100' })}`);
    const others = new URLSearchParams({ ...query, to: '2026-11-05T00:00:00.000Z', cursor: Object(body).nextCursor });
    expect(await call('GET', `/slots?${others}`)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/cursor' }] },
    });
  });

  it('are none where no doctor has it', async () => {
    const { slots, type } = await startSearching();
    expect(await slots({ specialty: 'surgery', appointmentTypeId: type.id, ...day })).toEqual([]);
  });

  it('go to one each when many take the first at once', async () => {
    const { addDoctor, addPatient, slots, type, post, bookingRequest, expectReservationsMatch } =
      await startSearching();
    for (let count = 0; count < 3; count += 1) addDoctor({ specialties: ['surgery'] });
    const query = { specialty: 'surgery', appointmentTypeId: type.id, ...day, limit: '1' };
    const responses = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const [first] = await slots(query);
        if (!first) throw new Error('no slot was offered');
        return post('', bookingRequest(first.start, { doctorId: first.doctorId, patientId: addPatient() }));
      }),
    );
    expect(responses.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(responses.filter(({ status }) => status === 409)).toHaveLength(11);
    await expectReservationsMatch();
  });
});

describe('shown is bookable', () => {
  it.each<[string, Partial<NewAppointmentType>]>([
    ['a short visit', { durationMinutes: 5 }],
    ['a visit with buffers', { durationMinutes: 25, bufferBeforeMinutes: 15, bufferAfterMinutes: 40 }],
    ['a visit with notice', { durationMinutes: 30, minimumNoticeMinutes: 1_500 }],
    ['a visit with a near horizon', { durationMinutes: 30, planningHorizonDays: 1 }],
    ['a group', { durationMinutes: 45, capacity: 2, bufferBeforeMinutes: 5 }],
    ['a group for many', { durationMinutes: 45, capacity: 5 }],
  ])('for %s: a booking accepts the starts that are shown, and no other', async (_what, rules) => {
    const { book, bookingRequest, post, slots, query, addType, addPatient, time } = await startSearching(rules);
    time.now = Temporal.Instant.from('2026-11-02T15:31:00.000Z');
    const [single, group] = [
      await addType({ durationMinutes: 20 }),
      await addType({ durationMinutes: 60, capacity: 3 }),
    ];
    await book(bookingRequest('2026-11-03T14:40:00.000Z', { appointmentTypeId: single.id, patientId: addPatient() }));
    const inGroup = () => ({ appointmentTypeId: group.id, patientId: addPatient() });
    const first = await book(bookingRequest('2026-11-03T17:00:00.000Z', inGroup()));
    await book(bookingRequest('2026-11-03T17:30:00.000Z', inGroup()));
    await post('', bookingRequest('2026-11-03T20:00:00.000Z', { patientId: addPatient() }));
    // Makes a gap in the seats, because the first of the group cancels.
    await post(`/${first.id}/cancel`, { reason: 'ill' });
    const shown: string[] = [];
    for (let hour = at('2026-11-03T13:00:00.000Z'); hour < at('2026-11-03T23:00:00.000Z'); hour += 60 * MINUTE) {
      const range = { from: iso(hour), to: iso(hour + 60 * MINUTE), limit: '100' };
      shown.push(...(await slots(query(range))).map(({ start }) => start));
    }
    const accepted: string[] = [];
    for (let start = at('2026-11-03T13:00:00.000Z'); start < at('2026-11-03T23:00:00.000Z'); start += 5 * MINUTE) {
      const { status, headers } = await post('', bookingRequest(iso(start)));
      if (status !== 201) continue;
      accepted.push(iso(start));
      await post(`${String(headers.location).replace('/api/v1/appointments', '')}/cancel`, { reason: 'only tried' });
    }
    expect(shown).toEqual(accepted);
    expect(accepted.length).toBeGreaterThan(0);
  });

  it('also where the visit and its buffer reach past the range into a time that is taken', async () => {
    const { addDoctor, addType, addPatient, book, bookingRequest, post, starts } = await startSearching();
    const open = [{ start: at('2026-11-01T00:00:00.000Z'), end: at('2026-12-01T00:00:00.000Z') }];
    const doctorId = addDoctor({ open }).id;
    const short = await addType({ durationMinutes: 5 });
    const long = await addType({ durationMinutes: 1440, bufferAfterMinutes: 240 });
    // The visit lasts from midnight to midnight, and its buffer until 04:00.
    await book(
      bookingRequest('2026-11-05T03:30:00.000Z', { doctorId, appointmentTypeId: short.id, patientId: addPatient() }),
    );
    const range = { from: '2026-11-03T23:00:00.000Z', to: '2026-11-04T00:00:00.000Z', limit: '100' };
    const shown = await starts({ ...range, doctorId, appointmentTypeId: long.id });
    for (const start of shown) {
      const response = await post('', bookingRequest(start, { doctorId, appointmentTypeId: long.id }));
      expect({ start, status: response.status }).toEqual({ start, status: 201 });
      await post(`${String(response.headers.location).replace('/api/v1/appointments', '')}/cancel`, {
        reason: 'tried',
      });
    }
    expect(shown.at(-1)).toBe('2026-11-03T23:30:00.000Z');
  });
});
