/** The messages of this service's database. */
import {
  type AppointmentEventData,
  CLINIC_STAFF,
  DEFAULT_LIMIT,
  type Message,
  type MessageKind,
  type PageOf,
  type PatientPartQuery,
  permit,
  rolesFor,
  type VerifiedCaller,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis, newId } from '@daybook/database';
import { decodeCursor, pageOf } from '@daybook/service';
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { readRecipients } from './message-recipients.ts';
import type { MessageRow, NotificationTables, Tx } from './tables.ts';

/** The most messages returned. An appointment has one for each change, but every response is bounded. */
const MAX_MESSAGES = 1000;

export interface MessageStore {
  /** Returns the messages in the order in which their changes happened; none about an appointment of others. */
  list(
    caller: VerifiedCaller,
    appointmentId: string,
  ): Promise<{ readonly items: Message[]; readonly patientIds: readonly string[] }>;
  /** Returns a page of all messages to a patient, oldest first. */
  export(caller: VerifiedCaller, query: PatientPartQuery): Promise<PageOf<Message>>;
}

const toMessage = (row: MessageRow): Message => ({
  id: idFromBytes(row.id),
  appointmentId: idFromBytes(row.appointment_id),
  kind: row.kind,
  channel: row.channel,
  status: row.status,
  createdAt: isoFromMillis(row.created_at),
});

export interface NewMessage extends Pick<AppointmentEventData, 'appointmentId' | 'patientId' | 'doctorId'> {
  readonly kind: MessageKind;
  /** The sequence of the change within its appointment. */
  readonly sequence: number;
}

/** Stores messages about changes, in the transaction that records their events as handled. */
export async function insertMessages(tx: Tx, messages: readonly NewMessage[], now: Temporal.Instant): Promise<void> {
  if (messages.length === 0) return;
  const recipients = await readRecipients(tx, messages);
  const rows = messages.map(
    ({ appointmentId, patientId, doctorId, kind, sequence }): MessageRow => ({
      id: idToBytes(newId()),
      appointment_id: idToBytes(appointmentId),
      patient_id: recipients.get(appointmentId) ?? idToBytes(patientId),
      doctor_id: idToBytes(doctorId),
      kind,
      channel: 'in-app',
      status: 'delivered',
      created_at: now.epochMilliseconds,
      sequence,
    }),
  );
  await tx.insertInto('messages').values(rows).execute();
}

/**
 * Returns the condition that messages about an appointment are the caller's.
 * A patient reads messages to the patients that the account acts for.
 * A doctor reads all messages about an appointment in the own calendar: its newest message names the present doctor.
 */
function isOwn(
  { role, patientIds, doctorId }: VerifiedCaller,
  appointmentId: Uint8Array,
): (where: ExpressionBuilder<NotificationTables, 'messages'>) => Expression<SqlBool> {
  if (role === 'front-desk' || role === 'administrator') return () => sql`1 = 1`;
  const isPatient = role === 'patient' && patientIds.length > 0;
  if (isPatient) return (where) => where('messages.patient_id', 'in', patientIds.map(idToBytes));
  if (role !== 'doctor' || doctorId === undefined) return () => sql`1 = 0`;
  return (where) =>
    where(
      where
        .selectFrom('messages as newest')
        .select('newest.doctor_id')
        .where('newest.appointment_id', '=', appointmentId)
        .orderBy('newest.sequence', 'desc')
        .orderBy('newest.id', 'desc')
        .limit(1),
      '=',
      idToBytes(doctorId),
    );
}

export function createMessageStore(database: Database<NotificationTables>): MessageStore {
  return {
    async list(caller, appointmentId) {
      permit(caller, ['patient', ...CLINIC_STAFF]);
      const rows = await database.read((db) =>
        db
          .selectFrom('messages')
          .selectAll()
          .where('appointment_id', '=', idToBytes(appointmentId))
          .where(isOwn(caller, idToBytes(appointmentId)))
          .orderBy('sequence')
          .orderBy('id')
          .limit(MAX_MESSAGES)
          .execute(),
      );
      return { items: rows.map(toMessage), patientIds: rows.map(({ patient_id }) => idFromBytes(patient_id)) };
    },

    async export(caller, { patientId, limit = DEFAULT_LIMIT, cursor }) {
      permit(caller, rolesFor('exportMessages'));
      const [last] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
      const rows = await database.read((db) =>
        db
          .selectFrom('messages')
          .selectAll()
          .where('patient_id', '=', idToBytes(patientId))
          .$if(last !== undefined, (query) => query.where('id', '>', idToBytes(last ?? '')))
          .orderBy('id')
          .limit(limit + 1)
          .execute(),
      );
      return pageOf(rows, limit, ({ id }) => [idFromBytes(id)], toMessage);
    },
  };
}
