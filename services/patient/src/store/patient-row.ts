/** Converts between rows and resources. */
import { type IdentifiedPatient, type Patient, Refusal, toMillis } from '@daybook/contracts';
import { idFromBytes, isoFromMillis } from '@daybook/database';
import { nameKeysOf } from './name-key.ts';
import type { PatientRow } from './tables.ts';

/** The members about the person. */
type Person = Omit<
  IdentifiedPatient,
  'id' | 'active' | 'replacedBy' | 'erasedAt' | 'version' | 'createdAt' | 'updatedAt'
>;

const personOf = ({ given_name, family_name, birth_date, details }: PatientRow): Person => ({
  ...(given_name !== null && { givenName: given_name }),
  familyName: family_name,
  birthDate: birth_date,
  ...JSON.parse(details),
});

/**
 * Returns the patient of a record that was not erased.
 * @throws Refusal `patient-erased`
 */
export function toIdentifiedPatient(row: PatientRow): IdentifiedPatient {
  assertNotErased(row);
  return { ...toPatient(row), ...personOf(row) };
}

export function toPatient(row: PatientRow): Patient {
  return {
    id: idFromBytes(row.id),
    ...(row.erased_at === null && personOf(row)),
    active: row.active === 1 && row.replaced_by === null,
    ...(row.replaced_by !== null && { replacedBy: idFromBytes(row.replaced_by) }),
    ...(row.erased_at !== null && { erasedAt: isoFromMillis(row.erased_at) }),
    version: row.version,
    createdAt: isoFromMillis(row.created_at),
    updatedAt: isoFromMillis(row.updated_at),
  };
}

export function toColumns(
  patient: IdentifiedPatient,
): Omit<PatientRow, 'id' | 'created_at' | 'replaced_by' | 'erased_at' | 'erasure_basis'> {
  const { id, givenName, familyName, birthDate, active, version, createdAt, updatedAt, ...details } = patient;
  const [name_key, joined_name_key] = nameKeysOf(patient);
  return {
    given_name: givenName ?? null,
    family_name: familyName,
    birth_date: birthDate,
    name_key,
    joined_name_key,
    active: active ? 1 : 0,
    details: JSON.stringify(details),
    version,
    updated_at: toMillis(updatedAt),
  };
}

/**
 * Checks that the record was not merged into another one.
 * @throws Refusal `patient-replaced`
 */
export function assertNotReplaced({ replaced_by }: Pick<PatientRow, 'replaced_by'>): void {
  if (replaced_by === null) return;
  throw new Refusal('patient-replaced', `The record was merged into ${idFromBytes(replaced_by)}: use that one.`);
}

/**
 * Checks that the data of the record was not erased.
 * @throws Refusal `patient-erased`
 */
export function assertNotErased({ erased_at }: Pick<PatientRow, 'erased_at'>): void {
  if (erased_at === null) return;
  throw new Refusal('patient-erased', 'The data of this patient was erased. Register the person as a new patient.');
}
