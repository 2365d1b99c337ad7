/** The rows of this service's own tables, as the migrations make them. */
import type { AppointmentStatus } from '@daybook/contracts';

export interface AppointmentTypeRow {
  id: Uint8Array;
  name: string;
  duration_minutes: number;
  buffer_before_minutes: number;
  buffer_after_minutes: number;
  minimum_notice_minutes: number;
  planning_horizon_days: number;
  cancellation_deadline_minutes: number;
  capacity: number;
  active: number;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface AppointmentRow {
  id: Uint8Array;
  patient_id: Uint8Array;
  doctor_id: Uint8Array;
  appointment_type_id: Uint8Array;
  starts_at: number;
  ends_at: number;
  time_zone: string;
  status: AppointmentStatus;
  sequence: number;
  reason: string | null;
  /** For staff only. */
  note: string | null;
  needs_rescheduling: number;
  /** Codes, separated by commas, while it needs rescheduling. */
  rescheduling_reasons: string | null;
  version: number;
  created_at: number;
  updated_at: number;
}

/** One person's time, in cells of five minutes. `seat` counts from 0 to the capacity. */
export interface ReservationRow {
  /** A patient or a doctor. */
  resource_id: Uint8Array;
  /** Five-minute cells since 1970 UTC. */
  cell: number;
  seat: number;
  /** Its capacity now says with how many others at most the cell is shared. Null: with none, as a patient's. */
  appointment_type_id: Uint8Array | null;
  /** An appointment or a hold. */
  holder_id: Uint8Array;
  /** Of a hold: from then on the seat is free, whether the row is still there or not. */
  expires_at: number | null;
}

export interface HoldRow {
  id: Uint8Array;
  doctor_id: Uint8Array;
  appointment_type_id: Uint8Array;
  starts_at: number;
  ends_at: number;
  expires_at: number;
  /** Who may use it. */
  caller_id: string;
  /** Of a patient: which of the few holds it is. */
  ordinal: number | null;
}

/** The appointments of this person, or of this appointment type, have to be looked at again. */
export interface RevalidationRow {
  subject_id: Uint8Array;
  kind: 'patient' | 'doctor' | 'type';
  /** Of the person, as the newest event says; of the type. */
  version: number;
  attempts: number;
  due_at: number;
}

/** A patient whose record was merged into another one, or was once. */
export interface MergedPatientRow {
  patient_id: Uint8Array;
  /** The record that it was merged into, which may be merged itself; null after an unmerge. */
  merged_into: Uint8Array | null;
  /** Of the record, as the newest event says. */
  version: number;
  attempts: number;
  /** While appointments have to be moved. */
  due_at: number | null;
}

export interface AppointmentTables {
  appointment_types: AppointmentTypeRow;
  appointments: AppointmentRow;
  /** A HistoryEntry as JSON for each version of an appointment. */
  appointment_history: { appointment_id: Uint8Array; version: number; entry: string };
  reservations: ReservationRow;
  holds: HoldRow;
  /** The newest version of a patient or doctor that an event told of. */
  participant_versions: { participant_id: Uint8Array; version: number };
  revalidations: RevalidationRow;
  merged_patients: MergedPatientRow;
  /** Those that are not with the patient that they were booked for. */
  moved_appointments: { appointment_id: Uint8Array; origin_id: Uint8Array };
}
