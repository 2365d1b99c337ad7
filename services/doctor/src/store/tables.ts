import type { ExceptionKind } from '@daybook/contracts';
import type { SearchTables, SharedTables } from '@daybook/database';
import type { Generated, Transaction } from 'kysely';

/** The rows of this service's own tables, as the migrations create them. */
export interface DoctorRow {
  id: Uint8Array;
  /** Null for a person with one name only. */
  given_name: string | null;
  family_name: string;
  time_zone: string;
  active: number;
  /** The appointment types that the doctor offers, as a JSON array; null: all. */
  appointment_type_ids: string | null;
  /** The fields that no query uses, as JSON. */
  details: string;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface SchedulePeriodRow {
  doctor_id: Uint8Array;
  /** The first day, as `2026-12-01`; the first possible date means no first day. Texts sort as their dates do. */
  valid_from: string;
  time_zone: string;
  weekly_hours: string;
  /**
   * The doctor's version after the change that wrote it. The highest one is the version of all of the doctor's hours.
   */
  version: number;
  updated_at: number;
}

export interface ScheduleExceptionRow {
  id: Uint8Array;
  doctor_id: Uint8Array;
  kind: ExceptionKind;
  starts_at: number;
  ends_at: number;
  reason: string | null;
  created_at: number;
}

export interface ClinicRow {
  id: number;
  time_zone: string;
  /** The fields that no query uses, as JSON. */
  details: string;
  version: number;
  updated_at: number | null;
}

export interface ClosureRow {
  id: Uint8Array;
  /** The first and the last day, as `2026-12-25`. Texts sort as their dates do. */
  start_date: string;
  end_date: string;
  time_zone: string;
  starts_at: number;
  ends_at: number;
  reason: string;
  created_at: number;
}

/** A closure that was added or removed, until an event of each doctor announces it. */
export interface ClosureAnnouncementRow {
  /** Rises in the order of the changes. */
  position: Generated<number>;
  closure_id: Uint8Array;
  kind: 'closure-added' | 'closure-removed';
  starts_at: number;
  ends_at: number;
  /** From the request that caused it. */
  traceparent: string | null;
  /** The events of the doctors up to this one are stored. Null: of none yet. */
  last_doctor_id: Uint8Array | null;
}

export interface DoctorTables extends SearchTables {
  doctors: DoctorRow;
  doctor_specialties: { specialty: string; doctor_id: Uint8Array };
  schedule_periods: SchedulePeriodRow;
  schedule_exceptions: ScheduleExceptionRow;
  clinic: ClinicRow;
  closures: ClosureRow;
  closure_announcements: ClosureAnnouncementRow;
}

export type Tx = Transaction<DoctorTables & SharedTables>;
