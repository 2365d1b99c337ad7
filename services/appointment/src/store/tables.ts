/** The rows of this service's own tables, as the migrations create them. */
import type { AppointmentStatus } from '@daybook/contracts';
import type { SharedTables } from '@daybook/database';
import type { Generated, Kysely, Transaction } from 'kysely';

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

/** Time of one participant, in cells of five minutes. `seat` is below the capacity, except for an overbooking. */
export interface ReservationRow {
  /** A patient or a doctor. */
  resource_id: Uint8Array;
  /** Five-minute cells since 1970 UTC. */
  cell: number;
  seat: number;
  /** The type whose present capacity limits the cell. Null means that the cell is not shared, as a patient's. */
  appointment_type_id: Uint8Array | null;
  /** An appointment or a hold. */
  holder_id: Uint8Array;
  /** For a hold: the seat is free from then on, even while the row exists. */
  expires_at: number | null;
}

export interface HoldRow {
  id: Uint8Array;
  doctor_id: Uint8Array;
  appointment_type_id: Uint8Array;
  starts_at: number;
  ends_at: number;
  expires_at: number;
  /** The caller that may use it. */
  caller_id: string;
  /** For a patient: the number of the hold, below the limit. */
  ordinal: number | null;
}

/** A participant or an appointment type whose appointments are due for revalidation. */
export interface RevalidationRow {
  subject_id: Uint8Array;
  kind: 'patient' | 'doctor' | 'type';
  /** The version of the newest event, or of the type. */
  version: number;
  attempts: number;
  due_at: number;
}

/** A patient whose record is or was merged into another one. */
export interface MergedPatientRow {
  patient_id: Uint8Array;
  /** The record that it was merged into, which may be merged itself; null after an unmerge. */
  merged_into: Uint8Array | null;
  /** The version of the record in the newest event. */
  version: number;
  attempts: number;
  /** Set while appointments have to be moved. */
  due_at: number | null;
}

export interface AppointmentTables {
  appointment_types: AppointmentTypeRow;
  /** An erased appointment has no texts, and never gets one again. */
  appointments: AppointmentRow & { erased: Generated<number> };
  /** A HistoryEntry as JSON for each version of an appointment. */
  appointment_history: { appointment_id: Uint8Array; version: number; entry: string };
  reservations: ReservationRow;
  holds: HoldRow;
  /** The holds of the last hour of a patient's account, numbered below the limit. */
  recent_holds: { caller_id: string; ordinal: number; held_at: number };
  /** The newest version of a patient or doctor that an event announced. */
  participant_versions: { participant_id: Uint8Array; version: number };
  revalidations: RevalidationRow;
  merged_patients: MergedPatientRow;
  /** Appointments that are not with the patient that they were booked for. */
  moved_appointments: { appointment_id: Uint8Array; origin_id: Uint8Array };
}

export type Db = Kysely<AppointmentTables & SharedTables>;
export type Tx = Transaction<AppointmentTables & SharedTables>;
