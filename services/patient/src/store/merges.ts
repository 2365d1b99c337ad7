/**
 * Merges records and undoes merges.
 * The `merged_into` of each merge forms a tree; a patient's `replaced_by` is the root of that tree, the record that
 * stays.
 * Each merge and unmerge locks the roots that it changes.
 * So there are no cycles, and no chain leads to a merged record.
 */
import {
  notFound,
  type Patient,
  type PatientEligibility,
  type PatientMerge,
  type PatientUnmerge,
  permit,
  Refusal,
  rolesFor,
  type VerifiedCaller,
} from '@daybook/contracts';
import { appendEvent, type Database, idFromBytes, idToBytes, originOf, type WriteContext } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { sql } from 'kysely';
import { patientEvent, patientMergeEvent, SOURCE } from '../events/published.ts';
import { MAX_MERGED, mergedInto } from './merged-records.ts';
import { lockPatient, lockPatients } from './patient-lock.ts';
import { assertNotErased, assertNotReplaced, toPatient } from './patient-row.ts';
import { writePatientTerms } from './patient-terms.ts';
import type { PatientRow, PatientTables, Tx } from './tables.ts';

export interface MergeStore {
  /**
   * Merges a record into another one.
   * @throws Refusal `not-found`, `patient-not-found`, `same-patient`, `patient-replaced`, `too-many-merged`,
   * `precondition-failed`
   */
  merge(caller: VerifiedCaller, id: string, input: PatientMerge, write: WriteContext<Patient>): Promise<Patient>;
  /**
   * Undoes a merge.
   * @throws Refusal `not-found`, `not-merged`, `precondition-failed`
   */
  unmerge(caller: VerifiedCaller, id: string, input: PatientUnmerge, write: WriteContext<Patient>): Promise<Patient>;
  eligibility(caller: VerifiedCaller, id: string): Promise<PatientEligibility | undefined>;
}

/** A merge or an unmerge of a record. */
interface MergeStep {
  readonly kind: 'merged' | 'unmerged';
  /** The record that it is or was merged into. */
  readonly into: Uint8Array;
  /** The record that its id leads to from now on: itself after an unmerge. */
  readonly root: Uint8Array;
  readonly reason: string;
}

export function createMergeStore(database: Database<PatientTables>, clock: Clock): MergeStore {
  const { dialect } = database;

  /** Redirects the ids of a record and of all that were merged into it to `root`. */
  async function redirect(
    tx: Tx,
    row: PatientRow,
    descendants: readonly Uint8Array[],
    { root }: MergeStep,
  ): Promise<void> {
    const isOwn = Buffer.compare(row.id, root) === 0;
    const changed = { version: sql<number>`version + 1`, updated_at: clock().epochMilliseconds };
    await tx
      .updateTable('patients')
      .set({ ...changed, replaced_by: isOwn ? null : root })
      .where('id', '=', row.id)
      .execute();
    if (descendants.length > 0) {
      await tx
        .updateTable('patients')
        .set({ ...changed, replaced_by: root })
        .where('id', 'in', descendants)
        .execute();
    }
    for (const id of [row.id, root, row.replaced_by]) if (id) await writePatientTerms(tx, id);
  }

  async function record(
    tx: Tx,
    caller: VerifiedCaller,
    after: Patient,
    { kind, into, reason }: MergeStep,
  ): Promise<void> {
    const { id, role } = caller;
    const entry = { at: after.updatedAt, by: { id, role }, action: kind, into: idFromBytes(into), reason };
    await tx
      .insertInto('patient_merge_history')
      .values({ patient_id: idToBytes(after.id), version: after.version, entry: JSON.stringify(entry) })
      .execute();
  }

  async function apply(
    tx: Tx,
    caller: VerifiedCaller,
    row: PatientRow,
    step: MergeStep,
    write: WriteContext<Patient>,
  ): Promise<Patient> {
    const descendants = await mergedInto(tx, row.id);
    await redirect(tx, row, descendants, step);
    const origin = originOf(SOURCE, clock(), write);
    const read = await tx
      .selectFrom('patients')
      .selectAll()
      .where('id', 'in', [row.id, ...descendants])
      .execute();
    const patients = read.map(toPatient);
    const after = patients.find(({ id }) => id === idFromBytes(row.id));
    if (!after) throw new Error('a record is gone while it is locked');
    await record(tx, caller, after, step);
    await appendEvent(tx, patientMergeEvent(step.kind, after, idFromBytes(step.into)), origin);
    // The ids of these records lead to a changed record.
    for (const patient of patients.filter((patient) => patient !== after)) {
      await appendEvent(tx, patientEvent('updated', patient), origin);
    }
    await write.storeResponse(tx, after);
    return after;
  }

  return {
    async merge(caller, id, input, write) {
      permit(caller, rolesFor('mergePatients'));
      const [absorbedId, into] = [idToBytes(id), idToBytes(input.into)];
      return database.write(async (tx) => {
        const rows = await lockPatients(tx, dialect, [absorbedId, into]);
        const [row, survivor] = [absorbedId, into].map((wanted) =>
          rows.find((row) => Buffer.compare(row.id, wanted) === 0),
        );
        if (!row) throw notFound('patient');
        write.checkVersion(row.version);
        if (!survivor) throw new Refusal('patient-not-found', 'There is no patient with the id in `into`.');
        if (row === survivor) throw new Refusal('same-patient', 'Name another record to merge into.');
        assertNotReplaced(row);
        assertNotReplaced(survivor);
        for (const each of [row, survivor]) assertNotErased(each);
        const merged = [...(await mergedInto(tx, row.id)), ...(await mergedInto(tx, into))].length;
        if (merged >= MAX_MERGED) {
          throw new Refusal('too-many-merged', `At most ${MAX_MERGED} records are merged into one.`);
        }
        await tx.insertInto('patient_merges').values({ patient_id: row.id, merged_into: into }).execute();
        return apply(tx, caller, row, { kind: 'merged', into, root: into, reason: input.reason }, write);
      });
    },

    async unmerge(caller, id, { reason }, write) {
      permit(caller, rolesFor('unmergePatients'));
      return database.write(async (tx) => {
        const row = await lockPatient(tx, dialect, idToBytes(id));
        write.checkVersion(row.version);
        if (row.replaced_by === null) throw new Refusal('not-merged', 'The record is not merged into another one.');
        assertNotErased(row);
        await lockPatient(tx, dialect, row.replaced_by);
        const merges = tx.selectFrom('patient_merges').select('merged_into').where('patient_id', '=', row.id);
        const { merged_into: into } = await merges.executeTakeFirstOrThrow();
        await tx.deleteFrom('patient_merges').where('patient_id', '=', row.id).execute();
        return apply(tx, caller, row, { kind: 'unmerged', into, root: row.id, reason }, write);
      });
    },

    async eligibility(caller, id) {
      permit(caller, rolesFor('getPatientEligibility'));
      const row = await database.read((db) =>
        db
          .selectFrom('patients')
          .select(['id', 'active', 'version', 'replaced_by'])
          .where('id', '=', idToBytes(id))
          .executeTakeFirst(),
      );
      if (!row) return undefined;
      const { active, version, replaced_by } = row;
      return {
        id: idFromBytes(row.id),
        active: active === 1 && replaced_by === null,
        version,
        ...(replaced_by !== null && { replacedBy: idFromBytes(replaced_by) }),
      };
    },
  };
}
