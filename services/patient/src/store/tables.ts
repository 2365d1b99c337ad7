import type { SearchTables } from '@daybook/database';

/** The rows of this service's own tables, as the migrations make them. */
export interface PatientRow {
  id: Uint8Array;
  /** Null where a person has one name only. */
  given_name: string | null;
  family_name: string;
  birth_date: string;
  /** Equal for records with the same words of names and birth date (see name-key.ts). */
  name_key: Uint8Array;
  /** The same with each name as one word. */
  joined_name_key: Uint8Array;
  active: number;
  /** After a merge: the record that stays. */
  replaced_by: Uint8Array | null;
  /** The fields that are only kept, as JSON. */
  details: string;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface PatientTables extends SearchTables {
  patients: PatientRow;
  /** What an identifier is unique by: see domain/patient-rules.ts. */
  patient_identifiers: { system: string; value_key: string; patient_id: Uint8Array };
  /** How many records have a key of names. */
  name_keys: { name_key: Uint8Array; record_count: number };
  /** The merges that hold now. */
  patient_merges: { patient_id: Uint8Array; merged_into: Uint8Array };
  /** Every merge and unmerge as JSON: what, when, who, why. */
  patient_merge_history: { patient_id: Uint8Array; version: number; entry: string };
}
