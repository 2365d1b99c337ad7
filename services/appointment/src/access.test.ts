/** Each operation of this service with each role, for own and foreign records, over HTTP. */
import { type AccessRole, accessOf, accessOperations, ROLES } from '@daybook/contracts';
import { newId } from '@daybook/database';
import type { TestCaller } from '@daybook/service/testing';
import { describe, expect, it } from 'vitest';
import { createAppointmentHistory } from './store/appointment-history.ts';
import { readHold, startClinic } from './testing.ts';

type Clinic = Awaited<ReturnType<typeof startAccess>>;
type Subject = Awaited<ReturnType<Clinic['subject']>>;

const MARK = 'zqxmark';
const DAY_OF_VISIT = '2026-11-03T16:00:00.000Z';

/** Starts a clinic that can make the records of one patient and doctor, with marks in each text. */
async function startAccess() {
  const clinic = await startClinic();
  const { call, become, book, addDoctor, addPatient, type } = clinic;
  const desk: TestCaller = { id: 'desk-id', role: 'front-desk' };
  return {
    ...clinic,
    async subject() {
      become(desk);
      const doctor = addDoctor();
      const patientId = addPatient();
      const booked = await book({
        ...{ patientId, doctorId: doctor.id, appointmentTypeId: type.id, start: DAY_OF_VISIT },
        ...{ reason: `${MARK} reason` },
      });
      await call('PATCH', `/appointments/${booked.id}`, { note: `${MARK} note` });
      const callers: Record<string, TestCaller> = {
        patient: { id: `account-${patientId}`, role: 'patient', patientIds: [patientId] },
        doctor: { id: `account-${doctor.id}`, role: 'doctor', doctorId: doctor.id },
        'front-desk': desk,
        administrator: { id: 'administrator', role: 'administrator' },
      };
      const id = booked.id;
      return { id, patientId, doctorId: doctor.id, callers };
    },
    /** Makes a hold as a caller. */
    async holdOf(caller: TestCaller, doctorId: string) {
      become(caller);
      const { status, body } = await call('POST', '/holds', {
        ...{ doctorId, appointmentTypeId: type.id, start: '2026-11-05T16:00:00.000Z' },
      });
      expect({ status, body }).toMatchObject({ status: 201 });
      return readHold(body).id;
    },
  };
}

/** One request of an operation about a subject. `reaches` reads from the response whether it was the caller's. */
type Request = (clinic: Clinic, subject: Subject) => Promise<{ status: number; body: unknown }>;

const act =
  (action: string, payload?: object): Request =>
  ({ call }, { id }) =>
    call('POST', `/appointments/${id}/${action}`, payload);

const OTHER_TIME = '2026-11-04T16:00:00.000Z';

/** The operations that reach records of a patient and a doctor. */
const OF_RECORDS: Readonly<Record<string, Request>> = {
  getAppointment: ({ call }, { id }) => call('GET', `/appointments/${id}`),
  getAppointmentHistory: ({ call }, { id }) => call('GET', `/appointments/${id}/history`),
  listAppointments: ({ call }, { patientId }) => call('GET', `/appointments?patientId=${patientId}`),
  exportAppointments: ({ call }, { patientId }) => call('GET', `/appointments/export?patientId=${patientId}`),
  changeAppointment: ({ call }, { id }) => call('PATCH', `/appointments/${id}`, { reason: 'other' }),
  rescheduleAppointment: act('reschedule', { start: OTHER_TIME }),
  cancelAppointment: act('cancel', { reason: 'ill' }),
  markArrived: act('arrive'),
  checkIn: act('check-in'),
  markFulfilled: act('fulfil'),
  markNoShow: act('no-show'),
  stepBack: act('step-back', { reason: 'wrong line' }),
  bookAppointment: ({ call, type }, { patientId, doctorId }) =>
    call('POST', '/appointments', { patientId, doctorId, appointmentTypeId: type.id, start: OTHER_TIME }),
  bookFirstFree: ({ call, type }, { patientId }) =>
    call('POST', '/appointments/first-free', {
      ...{ patientId, specialty: 'none', appointmentTypeId: type.id, from: DAY_OF_VISIT, to: OTHER_TIME },
    }),
  explainSlot: ({ call, type }, { patientId, doctorId }) =>
    call(
      'GET',
      `/slots/explanation?${new URLSearchParams({ patientId, doctorId, appointmentTypeId: type.id, start: OTHER_TIME })}`,
    ),
};

/** The operations without records of participants, and those that have tests of their own below. */
const OTHERS = [
  'findSlots',
  'listAppointmentTypes',
  'getAppointmentType',
  'addAppointmentType',
  'changeAppointmentType',
  'holdSlot',
  'getHold',
  'releaseHold',
  'listParkedEvents',
  'resendParkedEvent',
];

/** Returns whether a response treats the record as one that does not exist. */
function isMissing({ status, body }: { status: number; body: unknown }): boolean {
  const text = JSON.stringify(body);
  if (status === 404 || /"(?:patient|doctor)-not-found"/.test(text)) return true;
  return status === 200 && text === '{"items":[]}';
}

describe('each operation about appointments', () => {
  it('has a case here if this service has it', async () => {
    const { call } = await startClinic();
    const { body } = await call('GET', '/../../openapi.json');
    const ids = [...JSON.stringify(body).matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id ?? '');
    const known = [...Object.keys(OF_RECORDS), ...OTHERS];
    expect(ids.filter((id) => accessOperations.includes(id)).toSorted()).toEqual(known.toSorted());
  });

  for (const [operation, request] of Object.entries(OF_RECORDS)) {
    it(`${operation} reaches for each role what the access table states`, async () => {
      const clinic = await startAccess();
      for (const role of ROLES.filter((one) => one !== 'service')) {
        const [own, foreign] = [await clinic.subject(), await clinic.subject()];
        const { reach } = accessOf(operation, role satisfies AccessRole);
        const caller = own.callers[role] ?? { role };
        clinic.become(caller);
        const ofForeign = await request(clinic, foreign);
        const ofOwn = await request(clinic, own);
        const found = { role, reach, own: [ofOwn.status === 403, isMissing(ofOwn)], foreign: isMissing(ofForeign) };
        const expected = { role, reach, own: [reach === 'none', false], foreign: reach === 'own' };
        expect(found, JSON.stringify([ofOwn, ofForeign])).toEqual(expected);
        if (reach === 'own') expect(JSON.stringify(ofForeign)).not.toContain(MARK);
      }
    });
  }
});

describe('a patient', () => {
  it('reads no note, no id of staff and no reason of others in the own appointment and its history', async () => {
    const clinic = await startAccess();
    const own = await clinic.subject();
    clinic.become({ role: 'front-desk', id: 'desk-id' });
    await clinic.post(`/${own.id}/reschedule`, { start: OTHER_TIME, reason: `${MARK} ill doctor` });
    clinic.become(own.callers.patient ?? { role: 'patient' });
    const [read, history, list] = await Promise.all(
      [`/${own.id}`, `/${own.id}/history`, ''].map((path) => clinic.call('GET', `/appointments${path}`)),
    );
    expect([read?.status, history?.status, list?.status]).toEqual([200, 200, 200]);
    expect(JSON.stringify([read?.body, list?.body])).not.toMatch(/note|desk-id/);
    expect(JSON.stringify(history?.body)).not.toMatch(/note|desk-id|reason/);
    expect(list?.body).toMatchObject({ items: [{ id: own.id, reason: `${MARK} reason` }] });
  });

  it('gets for a foreign patient the same refusal as for one that does not exist, without a call', async () => {
    const clinic = await startAccess();
    const [own, foreign] = [await clinic.subject(), await clinic.subject()];
    clinic.become(own.callers.patient ?? { role: 'patient' });
    const calls = clinic.contexts.length;
    const book = async (patientId: string) => {
      const response = await clinic.post('', {
        ...{ patientId, doctorId: own.doctorId, appointmentTypeId: clinic.type.id, start: DAY_OF_VISIT },
      });
      return { ...(response.body as object), traceId: '' };
    };
    expect(await book(foreign.patientId)).toEqual(await book(newId()));
    expect(clinic.contexts).toHaveLength(calls);
  });

  it('books five upcoming visits for a patient at most, also simultaneously', async () => {
    const clinic = await startAccess();
    const own = await clinic.subject();
    clinic.become(own.callers.patient ?? { role: 'patient' });
    const starts = Array.from({ length: 10 }, (_, index) => `2026-11-${10 + index}T16:00:00.000Z`);
    const booked = await Promise.all(
      starts.map((start) =>
        clinic.post('', { patientId: own.patientId, doctorId: own.doctorId, appointmentTypeId: clinic.type.id, start }),
      ),
    );
    expect(booked.filter(({ status }) => status === 201)).toHaveLength(4);
    expect(booked.find(({ status }) => status !== 201)).toMatchObject({ body: { code: 'too-many-appointments' } });
  });

  it('moves no visit after the deadline of its type', async () => {
    const clinic = await startAccess();
    const own = await clinic.subject();
    clinic.become({ role: 'administrator' });
    await clinic.call('PATCH', `/appointment-types/${clinic.type.id}`, { cancellationDeadlineMinutes: 2 * 24 * 60 });
    clinic.become(own.callers.patient ?? { role: 'patient' });
    const moved = await clinic.post(`/${own.id}/reschedule`, { start: OTHER_TIME });
    expect(moved).toMatchObject({ status: 409, body: { code: 'past-cancellation-deadline' } });
  });

  it('sees active appointment types only', async () => {
    const clinic = await startAccess();
    const old = await clinic.addType({ active: false });
    clinic.become({ role: 'patient' });
    expect(await clinic.call('GET', `/appointment-types/${old.id}`)).toMatchObject({ status: 404 });
    expect(await clinic.call('GET', '/appointment-types')).toMatchObject({ body: { items: [{ id: clinic.type.id }] } });
  });

  it('changes the reason of a visit only, and cannot overbook', async () => {
    const clinic = await startAccess();
    const own = await clinic.subject();
    clinic.become(own.callers.patient ?? { role: 'patient' });
    expect(await clinic.call('PATCH', `/appointments/${own.id}`, { note: null })).toMatchObject({ status: 403 });
    const overbooking = { start: OTHER_TIME, overbooking: { reason: 'x' } };
    expect(await clinic.post(`/${own.id}/reschedule`, overbooking)).toMatchObject({ status: 403 });
  });
});

describe('the limits of a patient', () => {
  it('count the upcoming visits of one patient, and not those of all', async () => {
    const clinic = await startAccess();
    const own = await clinic.subject();
    const child = clinic.addPatient();
    clinic.become({ id: 'parent', role: 'patient', patientIds: [own.patientId, child] });
    const book = (patientId: string, day: number) =>
      clinic.post('', {
        ...{ patientId, doctorId: own.doctorId, appointmentTypeId: clinic.type.id },
        start: `2026-11-${day}T16:00:00.000Z`,
      });
    for (let day = 10; day < 14; day += 1) expect(await book(own.patientId, day)).toMatchObject({ status: 201 });
    expect(await book(own.patientId, 20)).toMatchObject({ body: { code: 'too-many-appointments' } });
    expect(await book(child, 20)).toMatchObject({ status: 201 });
  });

  it('count the holds of one account, which no other account can book with', async () => {
    const clinic = await startAccess();
    const [own, other] = [await clinic.subject(), await clinic.subject()];
    const hold = (hour: number) =>
      clinic.call('POST', '/holds', {
        ...{ doctorId: own.doctorId, appointmentTypeId: clinic.type.id },
        start: `2026-11-05T${hour}:00:00.000Z`,
      });
    clinic.become(own.callers.patient ?? { role: 'patient' });
    const held = [await hold(15), await hold(16), await hold(17)];
    expect(held.map(({ status }) => status)).toEqual([201, 201, 201]);
    clinic.become(other.callers.patient ?? { role: 'patient' });
    expect(await hold(18)).toMatchObject({ status: 201 });
    const { id: holdId, doctorId, appointmentTypeId, start } = readHold(held[0]?.body);
    const booking = { patientId: other.patientId, doctorId, appointmentTypeId, start, holdId };
    expect(await clinic.post('', booking)).toMatchObject({ status: 409, body: { code: 'hold-expired' } });
  });
});

describe('a doctor', () => {
  it('whose account belongs to no doctor reaches nothing', async () => {
    const clinic = await startAccess();
    const { id } = await clinic.subject();
    clinic.become({ id: 'account', role: 'doctor' });
    expect(await clinic.call('GET', `/appointments/${id}`)).toMatchObject({ status: 404 });
    expect(await clinic.list({})).toEqual({ items: [] });
  });

  it('gets explanations about patients with a visit in the own calendar only', async () => {
    const clinic = await startAccess();
    const [own, foreign] = [await clinic.subject(), await clinic.subject()];
    clinic.become(own.callers.doctor ?? { role: 'doctor' });
    const reasonsFor = async (patientId: string) => {
      const query = { patientId, doctorId: own.doctorId, appointmentTypeId: clinic.type.id, start: OTHER_TIME };
      return (await clinic.explain(query)).reasons.map(({ code }) => code);
    };
    expect(await reasonsFor(own.patientId)).toEqual([]);
    expect(await reasonsFor(foreign.patientId)).toEqual(['patient-not-found']);
  });

  it('reads the last actions of an appointment in the own calendar only', async () => {
    const clinic = await startAccess();
    const [own, foreign] = [await clinic.subject(), await clinic.subject()];
    const { actions } = createAppointmentHistory(clinic.database);
    const caller = { id: 'account', role: 'doctor', patientIds: [], doctorId: own.doctorId } as const;
    expect(await Array.fromAsync(actions(caller, own.id))).toEqual(['updated', 'booked']);
    expect(await Array.fromAsync(actions(caller, foreign.id))).toEqual([]);
  });
});

it('a patient learns neither when a doctor works, nor that an inactive one exists', async () => {
  const clinic = await startAccess();
  const own = await clinic.subject();
  const inactive = clinic.addDoctor({ active: false });
  clinic.become(own.callers.patient ?? { role: 'patient' });
  const book = (doctorId: string, start: string) =>
    clinic.post('', { patientId: own.patientId, doctorId, appointmentTypeId: clinic.type.id, start });
  expect(await book(own.doctorId, '2026-11-04T03:00:00.000Z')).toMatchObject({ body: { code: 'slot-taken' } });
  expect(await book(inactive.id, OTHER_TIME)).toMatchObject({ body: { code: 'doctor-not-found' } });
});

it('a service reads the times of an appointment without its texts', async () => {
  const clinic = await startAccess();
  const { id } = await clinic.subject();
  clinic.become({ id: 'notification-service', role: 'service', scope: ['getAppointment'] });
  const { status, body } = await clinic.call('GET', `/appointments/${id}`);
  expect([status, JSON.stringify(body)]).toEqual([200, expect.not.stringMatching(MARK)]);
});

describe('a stored response', () => {
  it('of a booking is not replayed once its participants are not the caller’s any more', async () => {
    const clinic = await startAccess();
    const own = await clinic.subject();
    const { id: doctorId } = clinic.addDoctor({ specialties: ['eyes'] });
    const type = { appointmentTypeId: clinic.type.id };
    const first = { patientId: own.patientId, specialty: 'eyes', from: DAY_OF_VISIT, to: OTHER_TIME };
    const requests = [
      ['/appointments', { patientId: own.patientId, doctorId, ...type, start: OTHER_TIME }, 'patient'],
      ['/appointments/first-free', { ...first, ...type }, 'patient'],
      ['/holds', { doctorId: own.doctorId, ...type, start: '2026-11-05T16:00:00.000Z' }, 'doctor'],
    ] as const;
    for (const [path, body, role] of requests) {
      const caller = own.callers[role] ?? { role };
      const send = (changes: Partial<TestCaller>) => {
        clinic.become({ ...caller, ...changes });
        return clinic.call('POST', path, body, { 'idempotency-key': path });
      };
      expect([path, await send({})]).toMatchObject([path, { status: 201 }]);
      expect([path, await send({})]).toMatchObject([path, { headers: { 'idempotency-replayed': 'true' } }]);
      const refused = await send({ patientIds: [], doctorId: newId() });
      expect([path, refused]).toMatchObject([path, { body: { code: `${role}-not-found` } }]);
    }
  });

  it('is not replayed once the appointment is not the caller’s any more, or under another role', async () => {
    const clinic = await startAccess();
    const own = await clinic.subject();
    const patient = own.callers.patient ?? { role: 'patient' };
    const key = { 'idempotency-key': 'one' };
    const cancel = (caller: TestCaller) => {
      clinic.become(caller);
      return clinic.post(`/${own.id}/cancel`, { reason: 'ill' }, key);
    };
    expect((await cancel(patient)).status).toBe(200);
    expect((await cancel({ ...patient, patientIds: [] })).status).toBe(404);
    expect((await cancel({ ...patient, role: 'administrator' })).body).toMatchObject({
      code: 'idempotency-key-reused',
    });
  });
});

describe('a hold', () => {
  it('exists for the caller that made it and for the front desk only', async () => {
    const clinic = await startAccess();
    const [own, other] = [await clinic.subject(), await clinic.subject()];
    const id = await clinic.holdOf(own.callers.patient ?? { role: 'patient' }, own.doctorId);
    for (const caller of [other.callers.patient, other.callers.doctor]) {
      clinic.become(caller ?? { role: 'patient' });
      expect(await clinic.call('GET', `/holds/${id}`)).toMatchObject({ status: 404 });
      expect(await clinic.call('DELETE', `/holds/${id}`)).toMatchObject({ status: 404 });
    }
    clinic.become({ role: 'front-desk' });
    expect(await clinic.call('GET', `/holds/${id}`)).toMatchObject({ status: 200 });
    clinic.become(other.callers.doctor ?? { role: 'doctor' });
    const elsewhere = { doctorId: own.doctorId, appointmentTypeId: clinic.type.id, start: OTHER_TIME };
    expect(await clinic.call('POST', '/holds', elsewhere)).toMatchObject({ body: { code: 'doctor-not-found' } });
  });
});
