/**
 * Remembers the identifiers of erased records as hashes, so that an import of old data does not register the person
 * again. A person who comes back gets a record with other identifiers.
 */
import { createHash } from 'node:crypto';
import { Refusal } from '@daybook/contracts';
import type { PatientTables, Tx } from './tables.ts';

type Identifiers = readonly Pick<PatientTables['patient_identifiers'], 'system' | 'value_key'>[];

const hashesOf = (identifiers: Identifiers): Uint8Array[] =>
  identifiers.map(({ system, value_key }) =>
    createHash('sha256')
      .update(JSON.stringify([system, value_key]))
      .digest(),
  );

/** Replaces the identifiers of a record by their hashes. */
export async function eraseIdentifiers(tx: Tx, patient_id: Uint8Array): Promise<void> {
  const identifiers = await tx
    .selectFrom('patient_identifiers')
    .select(['system', 'value_key'])
    .where('patient_id', '=', patient_id)
    .execute();
  if (identifiers.length === 0) return;
  const rows = hashesOf(identifiers).map((identifier_hash) => ({ identifier_hash, patient_id }));
  await tx.insertInto('erased_identifiers').ignore().values(rows).execute();
  await tx.deleteFrom('patient_identifiers').where('patient_id', '=', patient_id).execute();
}

/** @throws Refusal `patient-erased` when an erased record had one of the identifiers */
export async function assertNoErasedIdentifier(tx: Tx, identifiers: Identifiers): Promise<void> {
  const erased = await tx
    .selectFrom('erased_identifiers')
    .select('patient_id')
    .where('identifier_hash', 'in', hashesOf(identifiers))
    .limit(1)
    .executeTakeFirst();
  if (erased) throw new Refusal('patient-erased', 'The data of a patient with one of these identifiers was erased.');
}
