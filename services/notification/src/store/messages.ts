/** The messages of this service's database. */
import {
  type AppointmentEventData,
  type Caller,
  type Message,
  type MessageKind,
  permit,
  STAFF,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis, newId } from '@daybook/database';
import { readRecipients } from './message-recipients.ts';
import type { MessageRow, NotificationTables, Tx } from './tables.ts';

/** The most messages returned. An appointment has one for each change, but every response is bounded. */
const MAX_MESSAGES = 1000;

export interface MessageStore {
  /** Returns the messages in the order in which their changes happened. */
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

export interface NewMessage extends Pick<AppointmentEventData, 'appointmentId' | 'patientId'> {
  readonly kind: MessageKind;
  /** The sequence of the change within its appointment. */
  readonly sequence: number;
}

/** Stores messages about changes, in the transaction that records their events as handled. */
export async function insertMessages(tx: Tx, messages: readonly NewMessage[], now: Temporal.Instant): Promise<void> {
  if (messages.length === 0) return;
  const recipients = await readRecipients(tx, messages);
  const rows = messages.map(
    ({ appointmentId, patientId, kind, sequence }): MessageRow => ({
      id: idToBytes(newId()),
      appointment_id: idToBytes(appointmentId),
      patient_id: recipients.get(appointmentId) ?? idToBytes(patientId),
      kind,
      channel: 'in-app',
      status: 'delivered',
      created_at: now.epochMilliseconds,
      sequence,
    }),
  );
  await tx.insertInto('messages').values(rows).execute();
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
