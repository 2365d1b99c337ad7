/** A doctor with a list of appointment types accepts no other type through any route. */
import { describe, expect, it } from 'vitest';
import { startClinic } from '../testing.ts';

const START = '2026-11-03T16:00:00.000Z';
const RANGE = { from: '2026-11-03T00:00:00.000Z', to: '2026-11-04T00:00:00.000Z' };
const refused = { status: 422, body: { code: 'appointment-type-not-offered' } };

/** Starts a clinic with a cardiologist that gives no vaccinations, and a doctor that offers every type. */
async function startCardiology() {
  const clinic = await startClinic();
  const vaccination = await clinic.addType();
  const specialties = ['cardiology'];
  const doctor = clinic.addDoctor({ specialties, offers: new Set([clinic.type.id]) });
  const bookingRequest = {
    patientId: clinic.patientId,
    doctorId: doctor.id,
    appointmentTypeId: vaccination.id,
    start: START,
  };
  return { ...clinic, vaccination, cardiologist: doctor, cardiology: specialties, vaccinate: bookingRequest };
}

describe('a type that the doctor does not offer', () => {
  it('cannot be booked or held, and the explanation names the reason', async () => {
    const { post, call, explain, vaccinate, type, slots, book, reservations } = await startCardiology();
    const { patientId: _, ...bookingRequest } = vaccinate;
    expect(await post('', vaccinate)).toMatchObject(refused);
    expect((await post('', vaccinate)).body).not.toHaveProperty('alternatives');
    expect(await call('POST', '/holds', bookingRequest)).toMatchObject(refused);
    expect(await explain(bookingRequest)).toMatchObject({
      bookable: false,
      reasons: [{ code: 'appointment-type-not-offered' }],
      alternatives: [],
    });
    const { doctorId, appointmentTypeId } = bookingRequest;
    expect(await slots({ doctorId, appointmentTypeId, ...RANGE })).toEqual([]);
    expect(await reservations()).toEqual([]);
    expect(await slots({ doctorId, appointmentTypeId: type.id, ...RANGE })).not.toEqual([]);
    await book({ ...vaccinate, appointmentTypeId: type.id.toUpperCase() });
  });

  it('is not overbooked either', async () => {
    const { post, vaccinate } = await startCardiology();
    expect(await post('', { ...vaccinate, overbooking: { reason: 'asked twice' } })).toMatchObject(refused);
  });

  it('is found with the others of the specialty', async () => {
    const { addDoctor, addPatient, slots, post, vaccination, cardiology, type } = await startCardiology();
    const search = { specialty: 'cardiology', appointmentTypeId: vaccination.id, ...RANGE };
    const firstFree = () => post('/first-free', { ...search, patientId: addPatient() });
    expect(await slots(search)).toEqual([]);
    expect(await firstFree()).toMatchObject({ status: 409, body: { code: 'nothing-free' } });
    const other = addDoctor({ specialties: cardiology });
    expect(new Set((await slots(search)).map(({ doctorId }) => doctorId))).toEqual(new Set([other.id]));
    expect(await firstFree()).toMatchObject({ status: 201, body: { doctorId: other.id } });
    expect(new Set((await slots({ ...search, appointmentTypeId: type.id })).map(({ doctorId }) => doctorId)).size).toBe(
      2,
    );
  });

  it('cannot be moved to', async () => {
    const { post, book, vaccinate, doctor, cardiologist, read } = await startCardiology();
    const booked = await book({ ...vaccinate, doctorId: doctor.id });
    expect(await post(`/${booked.id}/reschedule`, { start: START, doctorId: cardiologist.id })).toMatchObject(refused);
    expect(await read(booked.id)).toEqual(booked);
  });
});

describe('a doctor who stops offering a type', () => {
  it('has the visits of it flagged, no others, until it is offered again', async () => {
    const { book, vaccinate, addPatient, type, vaccination, cardiologist, changeDoctor, deliver, revalidate, list } =
      await startCardiology();
    const of = (appointmentTypeId: string, start: string) =>
      book({ ...vaccinate, patientId: addPatient(), appointmentTypeId, start });
    changeDoctor(cardiologist, { offers: undefined });
    const [unaffected, affected] = [await of(type.id, START), await of(vaccination.id, '2026-11-03T17:00:00.000Z')];
    const offer = async (offers: ReadonlySet<string> | undefined) => {
      const version = changeDoctor(cardiologist, { offers });
      await deliver('daybook.doctor.updated.v1', cardiologist.id, version);
      await revalidate();
    };
    const flagged = async () => (await list({ needsRescheduling: 'true' })).items;
    await offer(new Set([type.id]));
    expect(await flagged()).toMatchObject([{ id: affected.id, reschedulingReasons: ['appointment-type-not-offered'] }]);
    await offer(new Set([vaccination.id]));
    expect((await flagged()).map(({ id }) => id)).toEqual([unaffected.id]);
    await offer(undefined);
    expect(await flagged()).toEqual([]);
  });

  it('while a booking of it runs is seen by the booking', async () => {
    const { post, vaccinate, vaccination, type, cardiologist, changeDoctor, deliver, pauseCalls } =
      await startCardiology();
    changeDoctor(cardiologist, { offers: new Set([vaccination.id]) });
    const paused = pauseCalls();
    const booking = post('', vaccinate);
    await paused.received;
    const version = changeDoctor(cardiologist, { offers: new Set([type.id]) });
    await deliver('daybook.doctor.updated.v1', cardiologist.id, version);
    paused.resume();
    expect(await booking).toMatchObject(refused);
  });
});
