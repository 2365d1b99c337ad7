/** Reassigns the appointments of merged patient records: each gets the patient that it belongs to. */
import type { VerifiedCaller } from '@daybook/contracts';
import {
  type DatabaseDialect,
  executeBatch,
  idFromBytes,
  idToBytes,
  mapUniqueViolation,
  WriteConflict,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { flagsOfReassigned } from '../domain/booking/revalidation.ts';
import { lockAppointment, nextVersion, updateStatements } from './appointment-changes.ts';
import { lowestFree } from './lowest-free.ts';
import { findOrigins, type TargetOf } from './merge-chains.ts';
import type { Tx } from './tables.ts';

/** The most appointments that one transaction reassigns, because it blocks bookings of their patient until it ends. */
export const REASSIGN_BATCH_SIZE = 25;

/** A record, and the record that its appointments belong to. */
export interface MergeState {
  readonly patientId: Uint8Array;
  /** The record that stays, which is the record itself when it is not merged. */
  readonly target: Uint8Array;
  readonly targetOf: TargetOf;
}

/** The environment of a reassignment, and the caller that its history names. */
interface ReassignmentContext {
  readonly dialect: DatabaseDialect;
  readonly caller: VerifiedCaller;
  readonly clock: Clock;
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/**
 * Returns the ids of some appointments of the record, or of those merged into it, that are not where they belong.
 * Appointments that have belonged elsewhere since an unmerge are reassigned by the run for that unmerge.
 */
export async function findMisplaced(tx: Tx, { patientId, target }: MergeState): Promise<string[]> {
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
              selectFrom('moved_appointments').select('origin_id').where('appointment_id', '=', ref('appointments.id')),
            ),
          ),
        )
        .limit(REASSIGN_BATCH_SIZE)
        .execute();
  const moved = await tx
    .selectFrom('moved_appointments')
    .innerJoin('appointments', 'appointments.id', 'moved_appointments.appointment_id')
    .select('appointments.id')
    .where('moved_appointments.origin_id', 'in', origins)
    .where('appointments.patient_id', '!=', target)
    .limit(REASSIGN_BATCH_SIZE)
    .execute();
  const ids = new Set([...own, ...moved].map(({ id }) => idFromBytes(id)));
  return [...ids].slice(0, REASSIGN_BATCH_SIZE);
}

/**
 * Reassigns the reservations of an appointment from one patient to another.
 * Returns true when the other has a visit then; both visits stay.
 */
async function reassignReservations(
  tx: Tx,
  dialect: DatabaseDialect,
  holderId: string,
  from: Uint8Array,
  target: Uint8Array,
): Promise<boolean> {
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
  const firstFreeSeat = (cell: number) => lowestFree(new Set(seats.get(cell)?.map(({ seat }) => seat)));
  const moved = rows.map((row) => ({ ...row, resource_id: target, seat: firstFreeSeat(row.cell) }));
  await tx
    .deleteFrom('reservations')
    .where('holder_id', '=', idToBytes(holderId))
    .where('resource_id', '=', from)
    .execute();
  await mapUniqueViolation(
    dialect,
    tx.insertInto('reservations').values(moved).execute(),
    (violation) => new WriteConflict(violation),
  );
  return moved.some(({ cell }) => seats.has(cell));
}

/** Records which record the appointment was booked for, unless it is there again. */
async function saveOrigin(tx: Tx, appointmentId: string, origin: Uint8Array, target: Uint8Array): Promise<void> {
  const appointment_id = idToBytes(appointmentId);
  await tx.deleteFrom('moved_appointments').where('appointment_id', '=', appointment_id).execute();
  if (isSame(origin, target)) return;
  await tx.insertInto('moved_appointments').values({ appointment_id, origin_id: origin }).execute();
}

/**
 * Locks an appointment and reassigns it if it still belongs to the record that stays.
 * Another process may have returned it since it was found.
 * If its original record now leads elsewhere, the run for that merge reassigns it.
 */
export async function reassignAppointment(
  tx: Tx,
  { dialect, caller, clock }: ReassignmentContext,
  id: string,
  { patientId, target, targetOf }: MergeState,
): Promise<void> {
  const before = await lockAppointment(tx, dialect, caller, id, () => undefined);
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
  const collides = await reassignReservations(tx, dialect, id, from, target);
  await saveOrigin(tx, id, origin, target);
  const flags = flagsOfReassigned(before, collides, clock().epochMilliseconds);
  const after = nextVersion(before, { patientId: idFromBytes(target), ...flags }, clock);
  const action = isSame(patientId, target) ? 'patient-unmerged' : 'patient-merged';
  await executeBatch(tx, dialect, updateStatements(tx, caller, { action, before, after, moved: false }, undefined));
}
