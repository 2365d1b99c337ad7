/** The messages of this service's database. */
import {
  type AppointmentEventData,
  type Caller,
  type Message,
  type MessageKind,
  permit,
  STAFF,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis, newId, type SharedTables } from '@daybook/database';
import type { Transaction } from 'kysely';
import type { MessageRow, NotificationTables } from './tables.ts';

/** An appointment has a message for each change; what is shown is bounded all the same. */
const MAX_MESSAGES = 1000;

export interface MessageStore {
  /** In the order in which what they tell of happened. */
  list(caller: Caller, appointmentId: string): Promise<Message[]>;
}

const toMessage = (row: MessageRow): Message => ({
  id: idFromBytes(row.id),
  appointmentId: idFromBytes(row.appointment_id),
  kind: row.kind,
  channel: row.channel,
  status: row.status,
  createdAt: isoFromMillis(row.created_at),
});

/** Keeps a message about a change, in the transaction that notes the event as handled. */
export async function keepMessage(
  transaction: Transaction<NotificationTables & SharedTables>,
  kind: MessageKind,
  sequence: number,
  { appointmentId, patientId }: AppointmentEventData,
  now: Temporal.Instant,
): Promise<void> {
  await transaction
    .insertInto('messages')
    .values({
      id: idToBytes(newId()),
      appointment_id: idToBytes(appointmentId),
      patient_id: idToBytes(patientId),
      kind,
      channel: 'in-app',
      status: 'delivered',
      created_at: now.epochMilliseconds,
      sequence,
    })
    .execute();
}

export function createMessageStore(database: Database<NotificationTables>): MessageStore {
  return {
    async list(caller, appointmentId) {
      permit(caller, STAFF);
      const rows = await database.read((db) =>
        db
          .selectFrom('messages')
          .selectAll()
          .where('appointment_id', '=', idToBytes(appointmentId))
          .orderBy('sequence')
          .orderBy('id')
          .limit(MAX_MESSAGES)
          .execute(),
      );
      return rows.map(toMessage);
    },
  };
}
