import { Check } from 'typebox/value';
import { expect, it } from 'vitest';
import { AppointmentEventData, type EventType, eventTypes, routingKeyOf, SteppedBackEventData } from './events.ts';

const types = Object.keys(eventTypes).filter((type): type is EventType => type in eventTypes);

it('routes each event by its type without prefix and version', () => {
  expect(types.map(routingKeyOf)).toEqual([
    'appointment.booked',
    'appointment.rescheduled',
    'appointment.updated',
    'appointment.cancelled',
    'appointment.arrived',
    'appointment.checked-in',
    'appointment.fulfilled',
    'appointment.noshow',
    'appointment.stepped-back',
    'appointment.flagged',
    'appointment.unflagged',
    'appointment.patient-merged',
    'appointment.patient-unmerged',
    'patient.registered',
    'patient.updated',
    'patient.deactivated',
    'patient.merged',
    'patient.unmerged',
    'patient.erased',
    'patient.emergency-access',
    'patient.contact-changed',
    'doctor.registered',
    'doctor.updated',
    'doctor.deactivated',
    'doctor.schedule-changed',
    'doctor.exception-added',
    'doctor.exception-removed',
    'doctor.closure-added',
    'doctor.closure-removed',
    'audit.recorded',
  ]);
});

it('names every event type with the prefix and a version', () => {
  for (const type of types) expect(type).toMatch(/^daybook\.[a-z]+\.[a-z]+(-[a-z]+)*\.v[1-9]$/);
});

it('lets an event carry ids, times and statuses only', () => {
  const names = Object.values(eventTypes).flatMap((schema) => Object.keys(schema.properties));
  const allowed =
    /^(appointmentId|patientId|into|doctorId|appointmentTypeId|exceptionId|emergencyAccessId|contactChangeId|closureId|kind|start|end|previous|status|action|operation|callerId|callerRole|patientIds|subjectId)$/;
  expect(names.filter((name) => !allowed.test(name))).toEqual([]);
  const id = '01900000-0000-7000-8000-000000000000';
  const times = { doctorId: id, start: '2026-11-23T14:00:00Z', end: '2026-11-23T14:30:00Z' };
  const data = { appointmentId: id, patientId: id, appointmentTypeId: id, ...times };
  expect(Check(AppointmentEventData, data)).toBe(true);
  expect(Check(AppointmentEventData, { ...data, previous: times })).toBe(true);
  expect(Check(AppointmentEventData, { ...data, start: undefined })).toBe(false);
  expect(Check(SteppedBackEventData, { ...data, status: { from: 'noshow', to: 'booked' } })).toBe(true);
  expect(Check(SteppedBackEventData, { ...data, status: 'booked' })).toBe(false);
});
