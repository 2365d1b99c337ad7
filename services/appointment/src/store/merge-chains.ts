/**
 * Follows the merges of patient records.
 * The `merged_into` of each record leads to another one, and at the end of that chain to the record that stays.
 */
import { type DatabaseDialect, idFromBytes, SHARED_LOCK } from '@daybook/database';
import { lockParticipant } from './participant-versions.ts';
import type { Tx } from './tables.ts';

/** Longer than any chain of merges can be (MAX_MERGED in the patient service). */
const LONGEST_CHAIN = 100;

/**
 * Follows the merges from a record to the one that stays.
 * Any change of a merge in a locked chain waits until the transaction ends, and finds what was moved.
 * Returns undefined in a cycle, whose ending event has not arrived yet.
 */
async function findTarget(
  tx: Tx,
  dialect: DatabaseDialect,
  patientId: Uint8Array,
  locked: boolean,
): Promise<Uint8Array | undefined> {
  let target = patientId;
  for (let hops = 0; hops < LONGEST_CHAIN; hops += 1) {
    if (locked) await lockParticipant(tx, dialect, target, 'shared');
    const row = await tx
      .selectFrom('merged_patients')
      .select('merged_into')
      .where('patient_id', '=', target)
      .$if(locked && dialect.supportsRowLocks, (query) => query.modifyEnd(SHARED_LOCK))
      .executeTakeFirst();
    if (!row?.merged_into) return target;
    target = row.merged_into;
  }
  return undefined;
}

/**
 * Locks the chain from a record to the one that stays, and locks the latter exclusively.
 * So no booking takes time of that record meanwhile.
 * The key does not detect a second seat next to a first one that becomes free.
 * The exclusive lock comes before the chain, so two workers on one tree wait for each other without a deadlock.
 */
export async function lockTarget(
  tx: Tx,
  dialect: DatabaseDialect,
  patientId: Uint8Array,
): Promise<{ target: Uint8Array; targetVersion: number }> {
  const expected = await findTarget(tx, dialect, patientId, false);
  if (expected) await lockParticipant(tx, dialect, expected, 'exclusive');
  const target = await findTarget(tx, dialect, patientId, true);
  if (!target) throw new Error('merges form a cycle until a later event arrives');
  return { target, targetVersion: await lockParticipant(tx, dialect, target, 'exclusive') };
}

/** Returns the record that stays of any record, and locks the chain to it. Undefined in a cycle. */
export type TargetOf = (origin: Uint8Array) => Promise<Uint8Array | undefined>;

/** Returns a function that finds each record that stays only once, because a locked chain does not change. */
export function targetsIn(tx: Tx, dialect: DatabaseDialect): TargetOf {
  const targets = new Map<string, Uint8Array | undefined>();
  return async (origin) => {
    const key = idFromBytes(origin);
    if (!targets.has(key)) targets.set(key, await findTarget(tx, dialect, origin, true));
    return targets.get(key);
  };
}

/** Returns a record and all that are merged into it now, without locks. */
export async function findOrigins(tx: Tx, patientId: Uint8Array): Promise<Uint8Array[]> {
  const all = new Map([[idFromBytes(patientId), patientId]]);
  let level: readonly Uint8Array[] = [patientId];
  for (let hops = 0; hops < LONGEST_CHAIN && level.length > 0; hops += 1) {
    const rows = await tx
      .selectFrom('merged_patients')
      .select('patient_id')
      .where('merged_into', 'in', level)
      .execute();
    level = rows.map(({ patient_id }) => patient_id).filter((id) => !all.has(idFromBytes(id)));
    for (const id of level) all.set(idFromBytes(id), id);
  }
  return [...all.values()];
}
