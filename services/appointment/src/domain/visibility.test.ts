import type { Appointment } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { expect, it } from 'vitest';
import { visibleTo } from './visibility.ts';

const flagged: Appointment = {
  ...{ id: newId(), patientId: newId(), doctorId: newId(), appointmentTypeId: newId(), timeZone: 'UTC' },
  ...{ start: '2026-11-03T16:00:00.000Z', end: '2026-11-03T16:30:00.000Z', status: 'booked', sequence: 0 },
  ...{ version: 2, createdAt: '2026-11-02T08:00:00.000Z', updatedAt: '2026-11-02T08:00:00.000Z' },
  needsRescheduling: true,
  reschedulingReasons: ['doctor-inactive', 'outside-availability', 'patient-inactive'],
};

it('a patient sees the reasons to reschedule that are about the patient, and none about the doctor', () => {
  const seenBy = (role: 'patient' | 'doctor') =>
    visibleTo({ id: 'account', role, patientIds: [flagged.patientId] }, flagged).reschedulingReasons;
  expect(seenBy('patient')).toEqual(['patient-inactive']);
  expect(seenBy('doctor')).toEqual(flagged.reschedulingReasons);
});
