/**
 * That nobody is registered twice by accident is a key: `name_keys` has one row for the names and the birth date of all
 * records that are alike. A registration inserts the row, so the database rejects the second of two simultaneous ones.
 */
import { type Caller, MAX_CANDIDATES, type PatientCandidate, Refusal, type Role } from '@daybook/contracts';
import type { Database, DatabaseDialect, SharedTables } from '@daybook/database';
import { sql, type Transaction } from 'kysely';
import { toPatient } from './patient-row.ts';
import type { PatientTables } from './tables.ts';

type Tx = Transaction<PatientTables & SharedTables>;

/** The roles that see which records a registration is like: people who can compare them with the person in front of them. */
const SEES_CANDIDATES: readonly Role[] = ['doctor', 'front-desk', 'administrator'];

/** @throws Refusal `possible-duplicate` when a record has these names and this birth date */
export async function claimNames(tx: Tx, dialect: DatabaseDialect, name_key: Uint8Array): Promise<void> {
  try {
    await tx.insertInto('name_keys').values({ name_key, holders: 1 }).execute();
  } catch (error) {
    if (!dialect.isUniqueViolation(error)) throw error;
    const detail =
      'A patient with these names and this birth date is registered. Send confirmedNew for another person.';
    throw new Refusal('possible-duplicate', detail);
  }
}

/** Counts one more record with these names and this birth date, whether or not there is one. */
export async function shareNames(tx: Tx, name_key: Uint8Array): Promise<void> {
  await tx.insertInto('name_keys').ignore().values({ name_key, holders: 0 }).execute();
  await tx.updateTable('name_keys').set({ holders: sql`holders + 1` }).where('name_key', '=', name_key).execute();
}

/** Counts a record for its new names instead of its old ones. A correction is not rejected where it makes two records alike. */
export async function renameHolder(tx: Tx, before: Uint8Array, after: Uint8Array): Promise<void> {
  if (Buffer.compare(before, after) === 0) return;
  await shareNames(tx, after);
  await tx.updateTable('name_keys').set({ holders: sql`holders - 1` }).where('name_key', '=', before).execute();
  await tx.deleteFrom('name_keys').where('name_key', '=', before).where('holders', '<=', 0).execute();
}

const ENDING = 4;

function toCandidate(row: PatientTables['patients']): PatientCandidate {
  const { id, givenName, familyName, birthDate, phone, identifiers = [] } = toPatient(row);
  return {
    id,
    ...(givenName !== undefined && { givenName }),
    familyName,
    birthDate,
    ...(phone !== undefined && { phoneEnding: phone.slice(-ENDING) }),
    ...(identifiers.length > 0 && { identifierEndings: identifiers.map(({ value }) => value.slice(-ENDING)) }),
  };
}

/** Returns the records with these names and this birth date; instead of a merged one, the record that stays. */
async function candidatesOf(database: Database<PatientTables>, name_key: Uint8Array): Promise<PatientCandidate[]> {
  const rows = await database.read(async (db) => {
    const alike = await db
      .selectFrom('patients')
      .select(['id', 'replaced_by'])
      .where('name_key', '=', name_key)
      .orderBy('id')
      .limit(MAX_CANDIDATES)
      .execute();
    const ids = alike.map(({ id, replaced_by }) => replaced_by ?? id);
    if (ids.length === 0) return [];
    return db.selectFrom('patients').selectAll().where('id', 'in', ids).orderBy('id').execute();
  });
  return rows.map(toCandidate);
}

/** Returns the error as it is for the caller: a `possible-duplicate` names its candidates to people who may see them. */
export async function withCandidates(
  database: Database<PatientTables>,
  caller: Caller,
  name_key: Uint8Array,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof Refusal) || error.code !== 'possible-duplicate') return error;
  if (!SEES_CANDIDATES.includes(caller.role)) return error;
  return new Refusal(error.code, error.message, { candidates: await candidatesOf(database, name_key) });
}
