/** What belongs to every change of an appointment: its history and its event, written in the transaction of the change. */
import type { Appointment, Caller, HistoryAction, HistoryEntry } from '@daybook/contracts';
import { appendEvent, idToBytes, type SharedTables, type WriteContext } from '@daybook/database';
import type { Transaction } from 'kysely';
import { appointmentEvent, SOURCE } from '../events.ts';
import type { AppointmentTables } from './tables.ts';

export type Tx = Transaction<AppointmentTables & SharedTables>;

const timesOf = ({ doctorId, start, end }: Appointment) => ({ doctorId, start, end });

/** A change of an appointment, on its way into history and events. */
export interface Change {
  readonly action: HistoryAction;
  readonly before?: Appointment;
  readonly after: Appointment;
  readonly reason?: string | undefined;
  /** Whether time or doctor changed. */
  readonly moved: boolean;
  /** Whether it is beside what the doctor had then already, on purpose. */
  readonly overbooked?: boolean;
}

const entryOf = ({ id, role }: Caller, { action, before, after, reason, moved, overbooked }: Change): HistoryEntry => ({
  at: after.updatedAt,
  by: { id, role },
  action,
  sequence: after.sequence,
  ...(moved && before && { from: timesOf(before) }),
  ...(moved && { to: timesOf(after) }),
  ...(reason !== undefined && { reason }),
  ...(overbooked && { overbooked }),
  ...(action === 'flagged' && { reschedulingReasons: after.reschedulingReasons ?? [] }),
});

export async function writeDown(
  tx: Tx,
  caller: Caller,
  change: Change,
  write: WriteContext<Appointment>,
): Promise<void> {
  const { action, before, after, moved } = change;
  const entry = JSON.stringify(entryOf(caller, change));
  const row = { appointment_id: idToBytes(after.id), version: after.version, entry };
  await tx.insertInto('appointment_history').values(row).execute();
  const event = appointmentEvent(action, after, moved && before ? timesOf(before) : undefined);
  const time = Temporal.Instant.from(after.updatedAt);
  await appendEvent(tx, event, { source: SOURCE, time, traceparent: write.traceparent });
  await write.keep(tx, after);
}
