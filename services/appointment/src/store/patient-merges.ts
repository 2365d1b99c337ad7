/**
 * Moves the appointments of patients whose records were merged.
 * The patient of an appointment depends on two facts: the record that it was booked for, and the present merges.
 * `moved_appointments` has the first for those that were moved; `merged_patients` has the second.
 * So events may repeat or arrive in another order, and an unmerge returns exactly what a merge moved.
 */
import { type Appointment, type Caller, permit } from '@daybook/contracts';
import {
  type Database,
  type DatabaseDialect,
  executeBatch,
  idFromBytes,
  idToBytes,
  WriteConflict,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { sql } from 'kysely';
import { UPCOMING_STATUSES } from '../domain/booking/lifecycle.ts';
import { toMillis } from '../domain/time.ts';
import { lockAppointment, nextVersion, updateStatements } from './appointment-changes.ts';
import { requestRevalidation } from './participant-changes.ts';
import { lockParticipant, recordVersion } from './participant-versions.ts';
import type { AppointmentTables, Tx } from './tables.ts';

/** The most appointments that one transaction moves, because it blocks bookings of their patient until it ends. */
export const MOVE_BATCH_SIZE = 25;
/** Longer than any chain of merges can be (MAX_MERGED in the patient service). */
const LONGEST_CHAIN = 100;
const FIRST_RETRY_MILLIS = 500;
const LONGEST_RETRY_MILLIS = 30_000;

/** A merge or an unmerge of a record. */
export interface MergeChange {
  readonly patientId: string;
  /** Undefined after an unmerge. */
  readonly into: string | undefined;
  /** The version of the record after the change. */
  readonly version: number;
}

/**
 * Records a merge or an unmerge in the transaction of the consumer, unless a newer one is recorded.
 * A booking that was verified before is either stored already and moved, or rejected with StaleFacts.
 */
export async function recordMerge(
  tx: Tx,
  dialect: DatabaseDialect,
  { patientId, into, version }: MergeChange,
  now: number,
): Promise<void> {
  await recordVersion(tx, dialect, { id: patientId, version });
  const patient_id = idToBytes(patientId);
  const unknown = { patient_id, merged_into: null, version: 0, attempts: 0, due_at: null };
  await tx.insertInto('merged_patients').ignore().values(unknown).execute();
  const merged_into = into === undefined ? null : idToBytes(into);
  await tx
    .updateTable('merged_patients')
    .set({ merged_into, version, attempts: 0, due_at: now })
    .where('patient_id', '=', patient_id)
    .where('version', '<', version)
    .execute();
}

export interface PatientMergeStore {
  /** Returns a record whose appointments are due. */
  next(caller: Caller): Promise<string | undefined>;
  /** Moves a batch of a record's appointments to where they belong. Returns true when more may be left. */
  moveBatch(caller: Caller, patientId: string): Promise<boolean>;
  /** Postpones a record that failed. */
  postpone(caller: Caller, patientId: string): Promise<void>;
}

/** A record, and the record that its appointments belong to. */
interface MergeState {
  readonly patientId: Uint8Array;
  /** The record that stays, which is the record itself when it is not merged. */
  readonly target: Uint8Array;
  /** Returns the record that stays of any record, and locks the chain to it. */
  readonly targetOf: (origin: Uint8Array) => Promise<Uint8Array | undefined>;
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export function createPatientMergeStore(database: Database<AppointmentTables>, clock: Clock): PatientMergeStore {
  const { dialect } = database;
  const now = () => clock().epochMilliseconds;

  const readMerged = (tx: Tx, patientId: Uint8Array) =>
    tx.selectFrom('merged_patients').select('merged_into').where('patient_id', '=', patientId);

  /**
   * Follows the merges from a record to the one that stays.
   * Any change of a merge in a locked chain waits until the transaction ends, and finds what was moved.
   * Returns undefined in a cycle, whose ending event has not arrived yet.
   */
  async function findTarget(tx: Tx, patientId: Uint8Array, locked: boolean): Promise<Uint8Array | undefined> {
    let target = patientId;
    for (let hops = 0; hops < LONGEST_CHAIN; hops += 1) {
      if (locked) await lockParticipant(tx, dialect, target, 'shared');
      const row = await readMerged(tx, target)
        // Written in this form because MariaDB does not support FOR SHARE.
        .$if(locked && dialect.supportsRowLocks, (query) => query.modifyEnd(sql`lock in share mode`))
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
  async function lockTarget(tx: Tx, patientId: Uint8Array): Promise<{ target: Uint8Array; targetVersion: number }> {
    const expected = await findTarget(tx, patientId, false);
    if (expected) await lockParticipant(tx, dialect, expected, 'exclusive');
    const target = await findTarget(tx, patientId, true);
    if (!target) throw new Error('merges form a cycle until a later event arrives');
    return { target, targetVersion: await lockParticipant(tx, dialect, target, 'exclusive') };
  }

  /** Returns a function that finds each record that stays only once, because a locked chain does not change. */
  function targetsIn(tx: Tx): MergeState['targetOf'] {
    const targets = new Map<string, Uint8Array | undefined>();
    return async (origin) => {
      const key = idFromBytes(origin);
      if (!targets.has(key)) targets.set(key, await findTarget(tx, origin, true));
      return targets.get(key);
    };
  }

  /** Returns a record and all that are merged into it now, without locks. */
  async function findOrigins(tx: Tx, patientId: Uint8Array): Promise<Uint8Array[]> {
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

  /**
   * Returns the ids of some appointments of the record, or of those merged into it, that are not where they belong.
   * Appointments that have belonged elsewhere since an unmerge are moved by the run for that unmerge.
   */
  async function findMisplaced(tx: Tx, { patientId, target }: MergeState): Promise<string[]> {
    const origins = await findOrigins(tx, patientId);
    const own = isSame(patientId, target)
      ? []
      : await tx
          .selectFrom('appointments')
          .select('id')
          .where('patient_id', '=', patientId)
          .where(({ not, exists, selectFrom, ref }) =>
            not(
              exists(
                selectFrom('moved_appointments')
                  .select('origin_id')
                  .where('appointment_id', '=', ref('appointments.id')),
              ),
            ),
          )
          .limit(MOVE_BATCH_SIZE)
          .execute();
    const moved = await tx
      .selectFrom('moved_appointments')
      .innerJoin('appointments', 'appointments.id', 'moved_appointments.appointment_id')
      .select('appointments.id')
      .where('moved_appointments.origin_id', 'in', origins)
      .where('appointments.patient_id', '!=', target)
      .limit(MOVE_BATCH_SIZE)
      .execute();
    const ids = new Set([...own, ...moved].map(({ id }) => idFromBytes(id)));
    return [...ids].slice(0, MOVE_BATCH_SIZE);
  }

  /**
   * Moves the reservations of an appointment from one patient to another.
   * Returns true when the other has a visit then; both visits stay.
   */
  async function moveReservations(tx: Tx, holderId: string, from: Uint8Array, target: Uint8Array): Promise<boolean> {
    const ofHolder = tx.selectFrom('reservations').where('holder_id', '=', idToBytes(holderId));
    const rows = await ofHolder.selectAll().where('resource_id', '=', from).execute();
    if (rows.length === 0) return false;
    const cells = rows.map(({ cell }) => cell);
    const taken = await tx
      .selectFrom('reservations')
      .select(['cell', 'seat'])
      .where('resource_id', '=', target)
      .where('cell', '>=', Math.min(...cells))
      .where('cell', '<=', Math.max(...cells))
      .execute();
    const seats = Map.groupBy(taken, ({ cell }) => cell);
    const moved = rows.map((row) => ({ ...row, resource_id: target, seat: firstFreeSeat(seats.get(row.cell) ?? []) }));
    await tx
      .deleteFrom('reservations')
      .where('holder_id', '=', idToBytes(holderId))
      .where('resource_id', '=', from)
      .execute();
    try {
      await tx.insertInto('reservations').values(moved).execute();
    } catch (error) {
      throw dialect.isUniqueViolation(error) ? new WriteConflict(error) : error;
    }
    return moved.some(({ cell }) => seats.has(cell));
  }

  async function saveOrigin(tx: Tx, appointmentId: string, origin: Uint8Array, target: Uint8Array): Promise<void> {
    const appointment_id = idToBytes(appointmentId);
    await tx.deleteFrom('moved_appointments').where('appointment_id', '=', appointment_id).execute();
    if (isSame(origin, target)) return;
    await tx.insertInto('moved_appointments').values({ appointment_id, origin_id: origin }).execute();
  }

  /**
   * Locks an appointment and moves it if it still belongs to the record that stays.
   * Another process may have returned it since it was found.
   * If its original record now leads elsewhere, the run for that merge moves it.
   */
  async function moveOne(
    tx: Tx,
    caller: Caller,
    id: string,
    { patientId, target, targetOf }: MergeState,
  ): Promise<void> {
    const before = await lockAppointment(tx, dialect, id, () => undefined);
    const moved = await tx
      .selectFrom('moved_appointments')
      .select('origin_id')
      .where('appointment_id', '=', idToBytes(id))
      .$if(dialect.supportsRowLocks, (query) => query.forUpdate())
      .executeTakeFirst();
    const from = idToBytes(before.patientId);
    const origin = moved?.origin_id ?? from;
    if (isSame(from, target)) return;
    const belongsTo = await targetOf(origin);
    if (!belongsTo || !isSame(belongsTo, target)) return;
    const collides = await moveReservations(tx, id, from, target);
    await saveOrigin(tx, id, origin, target);
    const after = nextVersion(before, { patientId: idFromBytes(target), ...flagsOf(before, collides, now()) }, clock);
    const action = isSame(patientId, target) ? 'patient-unmerged' : 'patient-merged';
    await executeBatch(tx, dialect, updateStatements(tx, caller, { action, before, after, moved: false }, undefined));
  }

  return {
    async next(caller) {
      permit(caller, ['service']);
      const row = await database.read((db) =>
        db
          .selectFrom('merged_patients')
          .select('patient_id')
          .where('due_at', '<=', now())
          .orderBy('due_at')
          .limit(1)
          .executeTakeFirst(),
      );
      return row && idFromBytes(row.patient_id);
    },

    async moveBatch(caller, id) {
      permit(caller, ['service']);
      const patientId = idToBytes(id);
      return database.write(async (tx) => {
        const { target, targetVersion } = await lockTarget(tx, patientId);
        const state = { patientId, target, targetOf: targetsIn(tx) };
        const misplaced = await findMisplaced(tx, state);
        for (const appointmentId of misplaced) await moveOne(tx, caller, appointmentId, state);
        if (misplaced.length === MOVE_BATCH_SIZE) return true;
        await requestRevalidation(tx, database, 'patient', target, targetVersion, now());
        await tx.updateTable('merged_patients').set({ due_at: null }).where('patient_id', '=', patientId).execute();
        return false;
      });
    },

    async postpone(caller, id) {
      permit(caller, ['service']);
      const patient_id = idToBytes(id);
      await database.write(async (tx) => {
        const rows = tx.selectFrom('merged_patients').select('attempts').where('patient_id', '=', patient_id);
        const { attempts } = await rows.executeTakeFirstOrThrow();
        const pause = Math.min(FIRST_RETRY_MILLIS * 2 ** Math.min(attempts, 16), LONGEST_RETRY_MILLIS);
        await tx
          .updateTable('merged_patients')
          .set({ attempts: attempts + 1, due_at: now() + pause })
          .where('patient_id', '=', patient_id)
          .where('due_at', 'is not', null)
          .execute();
      });
    },
  };
}

/** Returns the first free seat. */
function firstFreeSeat(taken: readonly { readonly seat: number }[]): number {
  const seats = new Set(taken.map(({ seat }) => seat));
  let seat = 0;
  while (seats.has(seat)) seat += 1;
  return seat;
}

/** The reasons about the patient. Those about the doctor hold for any patient. */
const OF_PATIENT: readonly string[] = ['patient-busy', 'patient-inactive'];

/** Returns the flags with another patient. The later revalidation checks whether that patient is active. */
function flagsOf(
  { status, start, reschedulingReasons = [] }: Appointment,
  collides: boolean,
  now: number,
): Pick<Appointment, 'needsRescheduling' | 'reschedulingReasons'> {
  const isUpcoming = UPCOMING_STATUSES.includes(status) && toMillis(start) > now;
  const reasons = reschedulingReasons.filter((code) => !OF_PATIENT.includes(code));
  if (collides && isUpcoming) reasons.push('patient-busy');
  return reasons.length > 0
    ? { needsRescheduling: true, reschedulingReasons: reasons.sort() }
    : { needsRescheduling: false };
}
