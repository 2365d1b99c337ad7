/** Stores identifiers, which are unique within a system. The database rejects the second patient with one. */
import { type Patient, Refusal, type VerifiedCaller } from '@daybook/contracts';
import { type Database, type DatabaseDialect, idFromBytes, idToBytes, mapUniqueViolation } from '@daybook/database';
import type { RawBuilder } from 'kysely';
import { identifierKey } from '../domain/patient-rules.ts';
import { seesOtherRecords } from '../domain/permissions.ts';
import { assertNoErasedIdentifier } from './erased-identifiers.ts';
import { reachOf } from './ownership.ts';
import type { PatientTables, Tx } from './tables.ts';

type IdentifierRow = PatientTables['patient_identifiers'];

type Identified = Pick<Patient, 'id' | 'identifiers'>;

const rowsOf = ({ id, identifiers = [] }: Identified): IdentifierRow[] =>
  identifiers.map(({ system, value }) => ({ system, value_key: identifierKey(value), patient_id: idToBytes(id) }));

/**
 * Replaces the identifiers of a patient.
 * @throws Refusal `identifier-taken`, `patient-erased`
 */
export async function writeIdentifiers(tx: Tx, dialect: DatabaseDialect, patient: Identified): Promise<void> {
  await tx.deleteFrom('patient_identifiers').where('patient_id', '=', idToBytes(patient.id)).execute();
  const rows = rowsOf(patient);
  if (rows.length === 0) return;
  await assertNoErasedIdentifier(tx, rows);
  await mapUniqueViolation(
    dialect,
    tx.insertInto('patient_identifiers').values(rows).execute(),
    () => new Refusal('identifier-taken', 'Another patient has one of these identifiers.'),
  );
}

/** Returns a record within reach that has one of the identifiers, and the record that it was merged into. */
async function holderOf(database: Database<PatientTables>, patient: Identified, reach: readonly RawBuilder<boolean>[]) {
  const rows = rowsOf(patient);
  if (rows.length === 0) return undefined;
  return database.read((db) => {
    let query = db
      .selectFrom('patient_identifiers')
      .innerJoin('patients', 'patients.id', 'patient_identifiers.patient_id')
      .select(['patients.id', 'patients.replaced_by'])
      .where((row) =>
        row.or(
          rows.map(({ system, value_key }) => row.and([row('system', '=', system), row('value_key', '=', value_key)])),
        ),
      )
      .where('patient_id', '<>', idToBytes(patient.id))
      .orderBy('patients.id')
      .limit(1);
    for (const condition of reach) query = query.where(condition);
    return query.executeTakeFirst();
  });
}

const MERGED_INTO_THIS =
  'A record that was merged into this one has one of these identifiers. A search for it finds this one: leave it out here.';

/** Returns the error for the caller. An `identifier-taken` names the record if the caller may read it. */
export async function withHolder(
  database: Database<PatientTables>,
  caller: VerifiedCaller,
  now: Temporal.Instant,
  patient: Identified,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof Refusal) || error.code !== 'identifier-taken') return error;
  if (!seesOtherRecords(caller)) return error;
  const holder = await holderOf(database, patient, reachOf(caller, now));
  // The other patient has lost the identifier meanwhile, or the caller does not reach it.
  if (!holder) return error;
  const { id, replaced_by } = holder;
  const isMergedIntoThis = replaced_by !== null && Buffer.compare(replaced_by, idToBytes(patient.id)) === 0;
  const detail = isMergedIntoThis ? MERGED_INTO_THIS : error.message;
  return new Refusal(error.code, detail, { holderId: idFromBytes(id) });
}
