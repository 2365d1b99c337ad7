import type { SearchTables } from '@daybook/database';

/** The rows of this service's own tables, as the migrations make them. */
export interface PatientRow {
  id: Uint8Array;
  /** Null where a person has one name only. */
  given_name: string | null;
  family_name: string;
  birth_date: string;
  active: number;
  /** The fields that are only kept, as JSON. */
  details: string;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface PatientTables extends SearchTables {
  patients: PatientRow;
  /** What an identifier is unique by: see domain/kept-patient.ts. */
  patient_identifiers: { system: string; value_key: string; patient_id: Uint8Array };
}
