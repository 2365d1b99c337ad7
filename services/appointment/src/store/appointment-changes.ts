/** Writes a change of an appointment: its lock, next version, history and event, in one transaction. */
import {
  type Appointment,
  type HistoryAction,
  type HistoryEntry,
  instantText,
  notFound,
  Refusal,
  type StatusChange,
  type UpdatedField,
  type VerifiedCaller,
} from '@daybook/contracts';
import { type DatabaseDialect, idToBytes, insertEvent, originOf, type WriteContext } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { appointmentEvent, SOURCE } from '../events/published.ts';
import { toAppointment, toRow } from './appointment-row.ts';
import { isOwn } from './ownership.ts';
import type { Tx } from './tables.ts';

/** Returns the next version of an appointment. It needs no rescheduling unless the change sets that. */
export function nextVersion(before: Appointment, change: Partial<Appointment>, clock: Clock): Appointment {
  const { reschedulingReasons: _, ...rest } = before;
  return { ...rest, needsRescheduling: false, ...change, version: before.version + 1, updatedAt: instantText(clock()) };
}

/**
 * Reads and locks one appointment of the caller until the transaction ends. One of an erased patient does not change,
 * because its texts could name the person again.
 * @throws Refusal `not-found`, `patient-erased`
 */
export async function lockAppointment(
  tx: Tx,
  { supportsRowLocks }: DatabaseDialect,
  caller: VerifiedCaller,
  id: string,
  checkVersion: WriteContext<Appointment>['checkVersion'],
): Promise<Appointment> {
  const row = await tx
    .selectFrom('appointments')
    .selectAll()
    .where('id', '=', idToBytes(id))
    .where(isOwn(caller))
    .$if(supportsRowLocks, (query) => query.forUpdate())
    .executeTakeFirst();
  if (!row) throw notFound('appointment');
  if (row.erased === 1 && caller.role !== 'service') {
    throw new Refusal('patient-erased', 'The data of the patient was erased, so the appointment cannot change.');
  }
  checkVersion(row.version);
  return toAppointment(row);
}

const timesOf = ({ doctorId, start, end, appointmentTypeId }: Appointment, withType: boolean) => ({
  doctorId,
  start,
  end,
  ...(withType && { appointmentTypeId }),
});

/** A change of an appointment, for its history and its event. */
export interface Change {
  readonly action: HistoryAction;
  readonly before?: Appointment;
  readonly after: Appointment;
  readonly reason?: string | undefined;
  /** Whether time, doctor or appointment type changed. */
  readonly moved: boolean;
  /** Set for an update. */
  readonly changed?: readonly UpdatedField[];
  readonly overbookingReason?: string | undefined;
  /** Whether staff booked over other visits of the doctor. */
  readonly overbooked?: boolean;
  /** Whether it takes the current five minutes. */
  readonly walkIn?: boolean | undefined;
}

const changesType = ({ before, after }: Change): boolean =>
  before !== undefined && before.appointmentTypeId !== after.appointmentTypeId;

/** Returns the status that a step back undoes, and the one that it returns to. */
const statusesOf = ({ action, before, after }: Change): StatusChange | undefined =>
  action === 'stepped-back' && before ? { from: before.status, to: after.status } : undefined;

/** The changes after which an appointment may need rescheduling. */
const MAY_FLAG: readonly HistoryAction[] = ['flagged', 'stepped-back', 'patient-merged', 'patient-unmerged'];

function entryOf({ id, role }: VerifiedCaller, change: Change, status: StatusChange | undefined): HistoryEntry {
  const { action, before, after, reason, moved, changed, overbooked, overbookingReason, walkIn } = change;
  return {
    at: after.updatedAt,
    by: { id, role },
    action,
    sequence: after.sequence,
    ...(moved && before && { from: timesOf(before, changesType(change)) }),
    ...(moved && { to: timesOf(after, changesType(change)) }),
    ...(status && { status }),
    ...(reason !== undefined && { reason }),
    ...(walkIn && { walkIn }),
    ...(changed && { changed: [...changed] }),
    ...(overbooked && { overbooked }),
    ...(overbookingReason !== undefined && { overbookingReason }),
    ...(before &&
      before.patientId !== after.patientId && { fromPatientId: before.patientId, toPatientId: after.patientId }),
    ...(MAY_FLAG.includes(action) && after.reschedulingReasons && { reschedulingReasons: after.reschedulingReasons }),
  };
}

/** Returns the statements that insert the history entry and the event of a change. */
export function historyInserts(tx: Tx, caller: VerifiedCaller, change: Change, traceparent: string | undefined) {
  const { action, before, after, moved } = change;
  const status = statusesOf(change);
  const entry = JSON.stringify(entryOf(caller, change, status));
  const row = { appointment_id: idToBytes(after.id), version: after.version, entry };
  const previous = moved && before ? timesOf(before, changesType(change)) : undefined;
  const event = appointmentEvent(action, after, { previous, status });
  const time = Temporal.Instant.from(after.updatedAt);
  return [
    tx.insertInto('appointment_history').values(row),
    insertEvent(tx, event, originOf(SOURCE, time, { traceparent })),
  ] as const;
}

/** Returns the statements that store the next version of an appointment, with its history and its event. */
export function updateStatements(tx: Tx, caller: VerifiedCaller, change: Change, traceparent: string | undefined) {
  const { id, ...columns } = toRow(change.after);
  return [
    tx.updateTable('appointments').set(columns).where('id', '=', id),
    ...historyInserts(tx, caller, change, traceparent),
  ] as const;
}
