import type { CloudEvent } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { createLogger } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { startClinic } from '../testing.ts';
import { patientErasuresConsumer } from './consumers.ts';

/** In every text. */
const MARK = /marsupial/i;
const [PAST, NEXT, LATER] = ['2026-11-10T15:00:00.000Z', '2026-11-10T16:00:00.000Z', '2026-11-10T18:00:00.000Z'];
const service = { id: 'appointment-service', role: 'service', patientIds: [] } as const;

/** Starts a clinic, and a function that erases a patient as the patient service does. */
async function startErasable() {
  const clinic = await startClinic();
  const { database, clock, changePatient } = clinic;
  const consumer = patientErasuresConsumer(database, clock, createLogger({ level: 'silent' }), service);
  const eventOf = (patientId: string): CloudEvent => ({
    specversion: '1.0',
    id: newId(),
    source: '/services/patient',
    type: 'daybook.patient.erased.v1',
    subject: patientId,
    time: clock().toString(),
    datacontenttype: 'application/json',
    sequence: changePatient(patientId, false),
    data: { patientId },
  });
  const erase = (patientId: string) => consumer.handle(eventOf(patientId));
  const rows = () =>
    database.read(async (db) =>
      JSON.stringify([
        await db.selectFrom('appointments').selectAll().execute(),
        await db.selectFrom('appointment_history').selectAll().execute(),
        await db.selectFrom('idempotency_keys').selectAll().execute(),
        await db.selectFrom('outbox').selectAll().execute(),
      ]),
    );
  return { ...clinic, consumer, eventOf, erase, rows };
}

/** Books with texts everywhere: reason, note, and the reasons of a move and of a cancellation. */
async function startMarked() {
  const clinic = await startErasable();
  const { post, call, bookingRequest, book } = clinic;
  const booking = { ...bookingRequest(NEXT), reason: 'a marsupial bite' };
  const { body } = await post('', booking, { 'idempotency-key': 'booking' });
  const { id } = body as { id: string };
  await call('PATCH', `/appointments/${id}`, { note: 'Mrs Marsupial is afraid' });
  await post(`/${id}/reschedule`, { start: LATER, reason: 'marsupial asked' });
  await post(`/${id}/cancel`, { reason: 'marsupial died' });
  const overbooked = { ...bookingRequest(PAST), overbooking: { reason: 'marsupial in pain' } };
  const second = await book(overbooked);
  return { ...clinic, id, second, booking };
}

describe('after an erasure', () => {
  it('no text of the patient is in any table', async () => {
    const { erase, patientId, rows } = await startMarked();
    expect(await rows()).toMatch(MARK);
    await erase(patientId);
    expect(await rows()).not.toMatch(MARK);
  });

  it('times, statuses and authors stay, and the ETag is another', async () => {
    const { erase, patientId, id, read, history } = await startMarked();
    const [before, entries] = [await read(id), await history(id)];
    await erase(patientId);
    const { reason: _, note: __, ...rest } = before;
    expect(await read(id)).toEqual({ ...rest, version: before.version + 1 });
    expect(await history(id)).toEqual(entries.map(({ reason: _, overbookingReason: __, ...entry }) => entry));
  });

  it('texts of other patients stay', async () => {
    const { erase, addPatient, book, bookingRequest, patientId, read } = await startErasable();
    const other = await book({ ...bookingRequest(NEXT, { patientId: addPatient() }), ...{ reason: 'a cough' } });
    await erase(patientId);
    expect(await read(other.id)).toEqual(other);
  });

  it('a visit that was booked meanwhile is cancelled, and its time is free', async () => {
    const { erase, patientId, second, read, expectReservationsMatch, slots, doctor, type } = await startMarked();
    await erase(patientId);
    expect(await read(second.id)).toMatchObject({ status: 'cancelled' });
    await expectReservationsMatch();
    const query = { doctorId: doctor.id, appointmentTypeId: type.id, from: PAST, to: NEXT };
    expect((await slots(query)).map(({ start }) => start)).toContain(PAST);
  });

  it('no text can be added', async () => {
    const { erase, patientId, id, post, call, booking } = await startMarked();
    await erase(patientId);
    const refused = { status: 409, body: { code: 'patient-erased' } };
    expect(await call('PATCH', `/appointments/${id}`, { note: 'Marsupial' })).toMatchObject(refused);
    expect(await post(`/${id}/step-back`, { reason: 'Marsupial' })).toMatchObject(refused);
    expect(await post('', booking)).toMatchObject({ status: 422, body: { code: 'patient-inactive' } });
  });

  it('a repeated booking gets its response without the text', async () => {
    const { erase, patientId, id, post, booking } = await startMarked();
    await erase(patientId);
    const again = await post('', booking, { 'idempotency-key': 'booking' });
    expect(again).toMatchObject({ status: 201, body: { id, patientId } });
    expect(JSON.stringify(again.body)).not.toMatch(MARK);
  });

  it('the same event, or a second one, changes nothing', async () => {
    const { consumer, eventOf, patientId, rows, erase } = await startMarked();
    const event = eventOf(patientId);
    await consumer.handle(event);
    const before = await rows();
    await consumer.handle(event);
    await erase(patientId);
    expect(await rows()).toBe(before);
  });
});

describe('an export', () => {
  it('has each appointment of the patient with its history, in pages', async () => {
    const { call, patientId, id, second, audit } = await startMarked();
    const query = `patientId=${patientId}&limit=1`;
    const first = await call('GET', `/appointments/export?${query}`);
    expect(first).toMatchObject({
      status: 200,
      body: { items: [{ appointment: { id: second.id }, history: [{ action: 'booked' }] }] },
    });
    const { nextCursor } = first.body as { nextCursor: string };
    const next = await call('GET', `/appointments/export?${query}&cursor=${encodeURIComponent(nextCursor)}`);
    const actions = ['booked', 'updated', 'rescheduled', 'cancelled'];
    expect(next).toMatchObject({
      status: 200,
      body: {
        items: [
          {
            appointment: { id, reason: 'a marsupial bite', note: 'Mrs Marsupial is afraid' },
            history: actions.map((action) => ({ action })),
          },
        ],
      },
    });
    expect(next.body).not.toHaveProperty('nextCursor');
    expect((await audit()).at(-1)).toMatchObject({ operation: 'exportAppointments', patientIds: [patientId] });
  });
});
