import type { ExceptionKind } from '@daybook/contracts';

/** The rows of this service's own tables, as the migrations make them. */
export interface DoctorRow {
  id: Uint8Array;
  given_name: string;
  family_name: string;
  time_zone: string;
  active: number;
  /** The fields that are only kept, as JSON. */
  details: string;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface ScheduleRow {
  doctor_id: Uint8Array;
  time_zone: string;
  weekly_hours: string;
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

export interface DoctorTables {
  doctors: DoctorRow;
  doctor_specialties: { specialty: string; doctor_id: Uint8Array };
  /** What a search may begin with, folded. */
  doctor_search_terms: { term: string; doctor_id: Uint8Array };
  schedules: ScheduleRow;
  schedule_exceptions: ScheduleExceptionRow;
}
