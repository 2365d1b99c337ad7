/** Converts between rows and resources. */
import { type Patient, Refusal, toMillis } from '@daybook/contracts';
import { idFromBytes, isoFromMillis } from '@daybook/database';
import { nameKeysOf } from './name-key.ts';
import type { PatientRow } from './tables.ts';

export function toPatient(row: PatientRow): Patient {
  return {
    id: idFromBytes(row.id),
    ...(row.given_name !== null && { givenName: row.given_name }),
    familyName: row.family_name,
    birthDate: row.birth_date,
    ...JSON.parse(row.details),
    active: row.active === 1 && row.replaced_by === null,
    ...(row.replaced_by !== null && { replacedBy: idFromBytes(row.replaced_by) }),
    version: row.version,
    createdAt: isoFromMillis(row.created_at),
    updatedAt: isoFromMillis(row.updated_at),
  };
}

export function toColumns(patient: Patient): Omit<PatientRow, 'id' | 'created_at' | 'replaced_by'> {
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
