import type { PatientErasure } from '@daybook/contracts';
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
  /** After an erasure: names, birth date and details are empty, and the keys of names are the id. */
  erased_at: number | null;
  erasure_basis: PatientErasure['basis'] | null;
  /** The fields that no query uses, as JSON. */
  details: string;
  version: number;
  created_at: number;
  updated_at: number;
}

/**
 * Lets a doctor read a patient until `ends_at`. One visit or one emergency access causes each row.
 * So a visit that moves or is cancelled changes its own row only, and the latest of all rows counts.
 */
export interface CareRelationshipRow {
  /** The id of the appointment or of the emergency access. */
  source_id: Uint8Array;
  doctor_id: Uint8Array;
  patient_id: Uint8Array;
  /** 0 for a cancelled visit. Its row stays, so that an older event cannot restore it. */
  active: number;
  ends_at: number;
  /** Of the newest event about the visit. */
  sequence: number;
}

/** A change of the e-mail address or phone of a record, kept while the new contact proves nothing. */
export interface ContactChangeRow {
  id: Uint8Array;
  patient_id: Uint8Array;
  /** The address before, which is told of the change. */
  former_email: string | null;
  language: string | null;
  changed_at: number;
}

/** Kept after its end, because it is evidence. */
export interface EmergencyAccessRow {
  id: Uint8Array;
  doctor_id: Uint8Array;
  patient_id: Uint8Array;
  /** The account of the doctor. */
  caller_id: string;
  /** Empty after an erasure. */
  reason: string;
  starts_at: number;
  ends_at: number;
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
  care_relationships: CareRelationshipRow;
  emergency_accesses: EmergencyAccessRow;
  /** Hashes of the identifiers of erased records, so that an import does not register them again. */
  erased_identifiers: { identifier_hash: Uint8Array; patient_id: Uint8Array };
  contact_changes: ContactChangeRow;
}

export type Db = Kysely<PatientTables & SharedTables>;
export type Tx = Transaction<PatientTables & SharedTables>;
