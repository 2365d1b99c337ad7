/**
 * Prevents that a person is registered twice by accident, because names are keys.
 * `name_keys` has one row for each key of names and birth date, which all similar records share.
 * A registration inserts its rows, so the database rejects the second of two simultaneous ones.
 */
import { MAX_CANDIDATES, type PatientCandidate, Refusal, type VerifiedCaller } from '@daybook/contracts';
import { type Database, type DatabaseDialect, mapUniqueViolation } from '@daybook/database';
import { type RawBuilder, sql } from 'kysely';
import { seesOtherRecords } from '../domain/permissions.ts';
import { reachOf } from './ownership.ts';
import { toIdentifiedPatient } from './patient-row.ts';
import type { PatientRow, PatientTables, Tx } from './tables.ts';

/** The columns with the keys of a record. */
export type NameKeys = Pick<PatientRow, 'name_key' | 'joined_name_key'>;

const contains = (keys: readonly Uint8Array[], key: Uint8Array): boolean =>
  keys.some((known) => Buffer.compare(known, key) === 0);

/** Returns each key once, in one order for all transactions, which prevents deadlocks. */
const keysOf = ({ name_key, joined_name_key }: NameKeys): Uint8Array[] =>
  contains([name_key], joined_name_key) ? [name_key] : [name_key, joined_name_key].sort(Buffer.compare);

/**
 * Inserts the keys of a new record.
 * @throws Refusal `possible-duplicate` when a record has these names and this birth date
 */
export async function insertUniqueNameKey(tx: Tx, dialect: DatabaseDialect, names: NameKeys): Promise<void> {
  const rows = keysOf(names).map((name_key) => ({ name_key, record_count: 1 }));
  await mapUniqueViolation(dialect, tx.insertInto('name_keys').values(rows).execute(), () => {
    const detail =
      'A patient with these names and this birth date is registered. Send confirmedNew for another person.';
    return new Refusal('possible-duplicate', detail);
  });
}

async function shareKeys(tx: Tx, keys: readonly Uint8Array[]): Promise<void> {
  for (const name_key of keys) {
    await tx.insertInto('name_keys').ignore().values({ name_key, record_count: 0 }).execute();
    await tx
      .updateTable('name_keys')
      .set({ record_count: sql`record_count + 1` })
      .where('name_key', '=', name_key)
      .execute();
  }
}

async function releaseKeys(tx: Tx, keys: readonly Uint8Array[]): Promise<void> {
  for (const name_key of keys) {
    await tx
      .updateTable('name_keys')
      .set({ record_count: sql`record_count - 1` })
      .where('name_key', '=', name_key)
      .execute();
    await tx.deleteFrom('name_keys').where('name_key', '=', name_key).where('record_count', '<=', 0).execute();
  }
}

/** Counts one more record with these names and this birth date, whether or not one exists. */
export const incrementNameKey = (tx: Tx, names: NameKeys): Promise<void> => shareKeys(tx, keysOf(names));

/** Counts one record less with these names and this birth date. */
export const decrementNameKey = (tx: Tx, names: NameKeys): Promise<void> => releaseKeys(tx, keysOf(names));

/** Counts a record for its new names instead of its old ones. A correction may make two records similar. */
export async function moveNameKey(tx: Tx, before: NameKeys, after: NameKeys): Promise<void> {
  const [old, current] = [keysOf(before), keysOf(after)];
  await shareKeys(
    tx,
    current.filter((key) => !contains(old, key)),
  );
  await releaseKeys(
    tx,
    old.filter((key) => !contains(current, key)),
  );
}

const ENDING = 4;

function toCandidate(row: PatientTables['patients']): PatientCandidate {
  const { id, givenName, familyName, birthDate, phone, identifiers = [] } = toIdentifiedPatient(row);
  return {
    id,
    ...(givenName !== undefined && { givenName }),
    familyName,
    birthDate,
    ...(phone !== undefined && { phoneEnding: phone.slice(-ENDING) }),
    ...(identifiers.length > 0 && { identifierEndings: identifiers.map(({ value }) => value.slice(-ENDING)) }),
  };
}

/**
 * Returns the records with these names and this birth date, as far as the caller reaches them. A merged record is
 * replaced by the one that stays.
 */
async function candidatesOf(
  database: Database<PatientTables>,
  names: NameKeys,
  reach: readonly RawBuilder<boolean>[],
): Promise<PatientCandidate[]> {
  const keys = keysOf(names);
  const rows = await database.read(async (db) => {
    let alike = db
      .selectFrom('patients')
      .select(['id', 'replaced_by'])
      .where((row) => row.or([row('name_key', 'in', keys), row('joined_name_key', 'in', keys)]))
      .orderBy('id')
      .limit(MAX_CANDIDATES);
    for (const condition of reach) alike = alike.where(condition);
    const ids = (await alike.execute()).map(({ id, replaced_by }) => replaced_by ?? id);
    if (ids.length === 0) return [];
    let remaining = db.selectFrom('patients').selectAll().where('id', 'in', ids).orderBy('id');
    for (const condition of reach) remaining = remaining.where(condition);
    return remaining.execute();
  });
  return rows.map(toCandidate);
}

/** Returns the error for the caller. A `possible-duplicate` names its candidates if the caller may read them. */
export async function withCandidates(
  database: Database<PatientTables>,
  caller: VerifiedCaller,
  now: Temporal.Instant,
  names: NameKeys,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof Refusal) || error.code !== 'possible-duplicate') return error;
  if (!seesOtherRecords(caller)) return error;
  return new Refusal(error.code, error.message, {
    candidates: await candidatesOf(database, names, reachOf(caller, now)),
  });
}
