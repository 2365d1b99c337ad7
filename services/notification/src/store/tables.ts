import type { Message, MessageKind } from '@daybook/contracts';

/** The rows of this service's own tables, as the migrations make them. */
export interface MessageRow {
  id: Uint8Array;
  appointment_id: Uint8Array;
  /** For whom. Not in the answer: who may read it knows. */
  patient_id: Uint8Array;
  kind: MessageKind;
  channel: Message['channel'];
  status: Message['status'];
  created_at: number;
  /** Of the event that it tells of: an event that was parked is told of late. */
  sequence: number;
}

export interface NotificationTables {
  messages: MessageRow;
  /** Whose an appointment is since records of patients were merged, as the newest event says. */
  appointment_patients: { appointment_id: Uint8Array; patient_id: Uint8Array; sequence: number };
}
