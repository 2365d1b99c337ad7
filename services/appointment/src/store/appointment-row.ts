/** Converts between rows and resources. */
import { type Appointment, toMillis } from '@daybook/contracts';
import { idFromBytes, idToBytes, isoFromMillis } from '@daybook/database';
import type { AppointmentRow } from './tables.ts';

export const toAppointment = (row: AppointmentRow): Appointment => ({
  id: idFromBytes(row.id),
  patientId: idFromBytes(row.patient_id),
  doctorId: idFromBytes(row.doctor_id),
  appointmentTypeId: idFromBytes(row.appointment_type_id),
  start: isoFromMillis(row.starts_at),
  end: isoFromMillis(row.ends_at),
  timeZone: row.time_zone,
  status: row.status,
  sequence: row.sequence,
  ...(row.reason !== null && { reason: row.reason }),
  ...(row.note !== null && { note: row.note }),
  needsRescheduling: row.needs_rescheduling === 1,
  ...(row.rescheduling_reasons !== null && { reschedulingReasons: row.rescheduling_reasons.split(',') }),
  version: row.version,
  createdAt: isoFromMillis(row.created_at),
  updatedAt: isoFromMillis(row.updated_at),
});

export const toRow = (appointment: Appointment): AppointmentRow => ({
  id: idToBytes(appointment.id),
  patient_id: idToBytes(appointment.patientId),
  doctor_id: idToBytes(appointment.doctorId),
  appointment_type_id: idToBytes(appointment.appointmentTypeId),
  starts_at: toMillis(appointment.start),
  ends_at: toMillis(appointment.end),
  time_zone: appointment.timeZone,
  status: appointment.status,
  sequence: appointment.sequence,
  reason: appointment.reason ?? null,
  note: appointment.note ?? null,
  needs_rescheduling: appointment.needsRescheduling ? 1 : 0,
  rescheduling_reasons: appointment.reschedulingReasons?.join(',') ?? null,
  version: appointment.version,
  created_at: toMillis(appointment.createdAt),
  updated_at: toMillis(appointment.updatedAt),
});
