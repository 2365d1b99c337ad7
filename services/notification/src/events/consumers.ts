/** The events that this service consumes, and the messages that each one causes. */
import {
  AppointmentEventData,
  type CloudEvent,
  type ConsumedType,
  type EventConsumerName,
  eventConsumers,
  type MessageKind,
  SteppedBackEventData,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type Consumer, createConsumer } from '@daybook/messaging';
import { type Clock, createParser, type Logger } from '@daybook/service';
import { type RecipientChange, reassignRecipients } from '../store/message-recipients.ts';
import { insertMessages, type NewMessage } from '../store/messages.ts';
import type { NotificationTables } from '../store/tables.ts';

const MESSAGES_CONSUMER = 'notification.messages' satisfies EventConsumerName;

const STEPPED_BACK = 'daybook.appointment.stepped-back.v1';

/** The changes that may have a message, and those that only change the recipient of an appointment's messages. */
const KINDS: Record<Exclude<ConsumedType<typeof MESSAGES_CONSUMER>, typeof STEPPED_BACK>, MessageKind | undefined> = {
  'daybook.appointment.booked.v1': 'booked',
  'daybook.appointment.rescheduled.v1': 'rescheduled',
  'daybook.appointment.updated.v1': 'rescheduled',
  'daybook.appointment.cancelled.v1': 'cancelled',
  'daybook.appointment.patient-merged.v1': undefined,
  'daybook.appointment.patient-unmerged.v1': undefined,
};
const MESSAGES: ReadonlyMap<string, MessageKind | undefined> = new Map(Object.entries(KINDS));

const readAppointmentEvent = createParser(AppointmentEventData);

const readSteppedBackEvent = createParser(SteppedBackEventData);

/** Returns the kind of message. An undone cancellation is a booking; every other step back concerns staff only. */
function kindOf({ type, data }: CloudEvent): MessageKind | undefined {
  if (type !== STEPPED_BACK) return MESSAGES.get(type);
  return readSteppedBackEvent(data).status.from === 'cancelled' ? 'booked' : undefined;
}

/** Returns whether doctor, start or end changed, by a move or by a type of another length. */
const isElsewhere = ({ doctorId, start, end, previous }: AppointmentEventData): boolean =>
  previous !== undefined && (previous.doctorId !== doctorId || previous.start !== start || previous.end !== end);

function messageOf(event: CloudEvent): NewMessage[] {
  const kind = kindOf(event);
  if (!kind) return [];
  const data = readAppointmentEvent(event.data);
  return kind === 'rescheduled' && !isElsewhere(data) ? [] : [{ kind, sequence: event.sequence, ...data }];
}

function recipientChangeOf({ type, sequence, data }: CloudEvent): RecipientChange[] {
  return MESSAGES.has(type) && MESSAGES.get(type) === undefined ? [{ sequence, ...readAppointmentEvent(data) }] : [];
}

export const appointmentMessagesConsumer = (
  database: Database<NotificationTables>,
  clock: Clock,
  logger: Logger,
): Consumer =>
  createConsumer({
    name: MESSAGES_CONSUMER,
    types: eventConsumers[MESSAGES_CONSUMER],
    database,
    logger,
    inBatches: true,
    effect: async (tx, events) => {
      await insertMessages(tx, events.flatMap(messageOf), clock());
      await reassignRecipients(tx, events.flatMap(recipientChangeOf));
    },
  });
