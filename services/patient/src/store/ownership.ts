/**
 * Decides which patients a caller reaches.
 * A patient reaches the records of the account, and the record that replaced one of them.
 * A doctor reaches a patient during a care relationship; see care-relationships.ts.
 */
import type { Role, VerifiedCaller } from '@daybook/contracts';
import { idToBytes } from '@daybook/database';
import { type RawBuilder, sql } from 'kysely';

/** The roles that reach all patients. */
const REACHES_ALL: readonly Role[] = ['front-desk', 'administrator'];

const NOBODY = sql<boolean>`1 = 0`;

function isOfAccount(patientIds: readonly string[]): RawBuilder<boolean> {
  if (patientIds.length === 0) return NOBODY;
  const ids = sql.join(patientIds.map(idToBytes));
  return sql<boolean>`(patients.id in (${ids}) or patients.id in (
    select absorbed.replaced_by from patients as absorbed
    where absorbed.id in (${ids}) and absorbed.replaced_by is not null))`;
}

/** Returns the condition that a row of `care_relationships` lets a doctor read a patient now. */
const isInForce = (doctorId: string, now: Temporal.Instant): RawBuilder<boolean> =>
  sql<boolean>`care_relationships.doctor_id = ${idToBytes(doctorId)} and care_relationships.active = 1
    and care_relationships.ends_at > ${now.epochMilliseconds}`;

/** Compares with each id by a subquery of its own, because servers read one range for each. */
function isTreatedBy(doctorId: string, now: Temporal.Instant): RawBuilder<boolean> {
  const relatesTo = (id: string) =>
    sql<boolean>`(select 1 from care_relationships
      where ${isInForce(doctorId, now)} and care_relationships.patient_id = ${sql.ref(id)} limit 1) = 1`;
  return sql<boolean>`(${relatesTo('patients.id')} or ${relatesTo('patients.replaced_by')})`;
}

/**
 * Returns the conditions on rows of `patients` that a caller reaches.
 * There are none for a role that reaches all; a role without a rule reaches no row.
 */
export function reachOf(
  { role, patientIds, doctorId }: VerifiedCaller,
  now: Temporal.Instant,
): readonly RawBuilder<boolean>[] {
  if (REACHES_ALL.includes(role)) return [];
  if (role === 'patient') return [isOfAccount(patientIds)];
  return [role === 'doctor' && doctorId !== undefined ? isTreatedBy(doctorId, now) : NOBODY];
}

export interface OwnPatients {
  readonly doctorId: string;
  readonly now: Temporal.Instant;
  /** The last id of the previous page. */
  readonly after: Uint8Array | undefined;
  readonly atMost: number;
  /** Further conditions on a patient, whose id is in the column `OWN_PATIENT`. */
  readonly checks: readonly RawBuilder<boolean>[];
}

export const OWN_PATIENT = 'care_relationships.patient_id';

/**
 * Returns a subquery with the ids of a page of a doctor's patients.
 * It reads along the relationships of the doctor, in the order of the patients' ids.
 */
export function ownPatients({ doctorId, now, after, atMost, checks }: OwnPatients): RawBuilder<Uint8Array> {
  const id = sql.ref(OWN_PATIENT);
  const beyond = after === undefined ? [] : [sql<boolean>`${id} > ${after}`];
  const isPresent = sql<boolean>`(select 1 from patients as own where own.id = ${id} and own.replaced_by is null
    and own.erased_at is null) = 1`;
  const conditions = sql.join([isInForce(doctorId, now), ...beyond, isPresent, ...checks], sql` and `);
  // MySQL wants the limit one level below IN.
  return sql<Uint8Array>`(select patient_id from (
    select distinct ${id} from care_relationships where ${conditions} order by ${id} limit ${sql.lit(atMost)}) as page)`;
}
