/** Everything that this service consumes. It publishes nothing. */
import {
  AppointmentEventData,
  type CloudEvent,
  type ConsumedType,
  type EventConsumerName,
  eventConsumers,
  type MessageKind,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type Consumer, createConsumer } from '@daybook/messaging';
import { type Clock, type Logger, readerOf } from '@daybook/service';
import { keepMessages, type NewMessage } from './store/messages.ts';
import type { NotificationTables } from './store/tables.ts';

const MESSAGES_CONSUMER = 'notification.messages' satisfies EventConsumerName;

/** The changes that people are told of. */
const KINDS: Record<ConsumedType<typeof MESSAGES_CONSUMER>, MessageKind> = {
  'daybook.appointment.booked.v1': 'booked',
  'daybook.appointment.rescheduled.v1': 'rescheduled',
  'daybook.appointment.cancelled.v1': 'cancelled',
};
const MESSAGES: ReadonlyMap<string, MessageKind> = new Map(Object.entries(KINDS));

const readAppointmentEvent = readerOf(AppointmentEventData);

function messageOf({ type, sequence, data }: CloudEvent): NewMessage[] {
  const kind = MESSAGES.get(type);
  return kind ? [{ kind, sequence, ...readAppointmentEvent(data) }] : [];
}

export const messagesOfAppointments = (
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
    effect: (transaction, events) => keepMessages(transaction, events.flatMap(messageOf), clock()),
  });
