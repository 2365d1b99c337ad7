import type { Message, MessageKind } from '@daybook/contracts';
import type { SharedTables } from '@daybook/database';
import type { Transaction } from 'kysely';

/** The rows of this service's own tables, as the migrations create them. */
export interface MessageRow {
  id: Uint8Array;
  appointment_id: Uint8Array;
  /** The recipient. The response omits it, because callers that may read the message know the recipient. */
  patient_id: Uint8Array;
  /** The doctor of the appointment after the change. Null before Daybook kept it. */
  doctor_id: Uint8Array | null;
  kind: MessageKind;
  channel: Message['channel'];
  status: Message['status'];
  created_at: number;
  /** The sequence of its event. It orders messages, because a parked event is handled late. */
  sequence: number;
}

export interface NotificationTables {
  messages: MessageRow;
  /** The present patient of an appointment after a merge, from the newest event. */
  appointment_patients: { appointment_id: Uint8Array; patient_id: Uint8Array; sequence: number };
}

export type Tx = Transaction<NotificationTables & SharedTables>;
