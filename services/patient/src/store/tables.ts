/** The rows of this service's own tables, as the migrations make them. */
export interface PatientRow {
  id: Uint8Array;
  given_name: string;
  family_name: string;
  birth_date: string;
  active: number;
  /** The fields that are only kept, as JSON. */
  details: string;
  version: number;
  created_at: number;
  updated_at: number;
}

export interface PatientTables {
  patients: PatientRow;
  patient_identifiers: { system: string; value: string; patient_id: Uint8Array };
  /** What a search may begin with, folded (see domain/search-terms.ts). */
  patient_search_terms: { term: string; patient_id: Uint8Array };
}
