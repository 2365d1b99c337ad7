import { describe, expect, it } from 'vitest';
import { readAppointment, readHold, startClinic } from './testing.ts';

const desk = { id: 'desk', role: 'front-desk' } as const;
const [FIRST, SECOND] = ['2026-11-23T14:00:00Z', '2026-11-23T15:00:00Z'];

async function startBooked() {
  const clinic = await startClinic();
  const appointment = await clinic.book(clinic.bookingRequest(FIRST));
  const before = (await clinic.audit()).length;
  clinic.become(desk);
  return {
    ...clinic,
    appointment,
    /** Returns the calls since the booking. */
    calls: async () => (await clinic.audit()).slice(before),
  };
}

describe('the audit trail of appointments', () => {
  it('has each read by staff, with the patient', async () => {
    const { appointment, bookingRequest, calls, explain, history, list, patientId, read } = await startBooked();
    await read(appointment.id);
    await history(appointment.id);
    await list({ patientId });
    const { patientId: _, ...start } = bookingRequest(SECOND);
    await explain({ ...start, patientId });
    await explain(start);
    expect(await calls()).toMatchObject([
      { action: 'record-read', operation: 'getAppointment', patientIds: [patientId], subjectId: appointment.id },
      { action: 'record-read', operation: 'getAppointmentHistory', patientIds: [patientId], subjectId: appointment.id },
      { action: 'record-read', operation: 'listAppointments', patientIds: [patientId] },
      { action: 'record-read', operation: 'explainSlot', patientIds: [patientId] },
    ]);
  });

  it('has one row for a calendar, with all its patients', async () => {
    const { addPatient, become, book, bookingRequest, calls, list, patientId } = await startBooked();
    const other = addPatient();
    become({ id: 'administrator', role: 'administrator' });
    await book(bookingRequest(SECOND, { patientId: other }));
    become(desk);
    await list({ from: FIRST });
    expect((await calls()).at(-1)).toMatchObject({
      operation: 'listAppointments',
      patientIds: [patientId, other].sort(),
    });
  });

  it('has each change by its caller, also a patient', async () => {
    const { appointment, become, calls, call, bookingRequest, patientId, post } = await startBooked();
    become({ id: 'ana', role: 'patient', patientIds: [patientId] });
    const { patientId: _, ...slot } = bookingRequest(SECOND);
    const hold = readHold((await call('POST', '/holds', slot)).body);
    expect(await call('DELETE', `/holds/${hold.id}`)).toMatchObject({ status: 204 });
    const moved = await post(`/${appointment.id}/reschedule`, { start: SECOND }, { 'idempotency-key': 'once' });
    expect(readAppointment(moved.body).id).toBe(appointment.id);
    expect(await post(`/${appointment.id}/cancel`, { reason: 'better' })).toMatchObject({ status: 200 });
    expect(await calls()).toMatchObject([
      { action: 'changed', operation: 'holdSlot', callerId: 'ana', subjectId: hold.id },
      { action: 'changed', operation: 'releaseHold', callerId: 'ana', subjectId: hold.id },
      { action: 'changed', operation: 'rescheduleAppointment', callerId: 'ana', patientIds: [patientId] },
      { action: 'changed', operation: 'cancelAppointment', callerId: 'ana', patientIds: [patientId] },
    ]);
    expect(JSON.stringify(await calls())).not.toContain('better');
  });

  it('lacks a patient’s reads of own appointments, and has a call for another one, which is 404', async () => {
    const { appointment, addPatient, become, call, calls, patientId } = await startBooked();
    become({ id: 'ana', role: 'patient', patientIds: [patientId] });
    expect(await call('GET', `/appointments/${appointment.id}`)).toMatchObject({ status: 200 });
    become({ id: 'ben', role: 'patient', patientIds: [addPatient()] });
    expect(await call('GET', `/appointments/${appointment.id}`)).toMatchObject({ status: 404 });
    expect(await calls()).toMatchObject([
      { action: 'call-refused', operation: 'getAppointment', callerId: 'ben', subjectId: appointment.id },
    ]);
  });
});
