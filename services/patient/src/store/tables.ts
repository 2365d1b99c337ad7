import type { SearchTables, SharedTables } from '@daybook/database';
import type { Kysely, Transaction } from 'kysely';

/** The rows of this service's own tables, as the migrations create them. */
export interface PatientRow {
  id: Uint8Array;
  /** Null for a person with one name only. */
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
  /** The fields that no query uses, as JSON. */
  details: string;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface PatientTables extends SearchTables {
  patients: PatientRow;
  /** The key of an identifier (see domain/patient-rules.ts). */
  patient_identifiers: { system: string; value_key: string; patient_id: Uint8Array };
  /** The number of records with a key of names. */
  name_keys: { name_key: Uint8Array; record_count: number };
  /** The merges in force. */
  patient_merges: { patient_id: Uint8Array; merged_into: Uint8Array };
  /** Every merge and unmerge as JSON: action, time, caller, reason. */
  patient_merge_history: { patient_id: Uint8Array; version: number; entry: string };
}

export type Db = Kysely<PatientTables & SharedTables>;
export type Tx = Transaction<PatientTables & SharedTables>;
