/** Everything that this service consumes. It publishes nothing. */
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
import { type Clock, type Logger, readerOf } from '@daybook/service';
import { keepMessages, type NewMessage } from './store/messages.ts';
import type { NotificationTables } from './store/tables.ts';

const MESSAGES_CONSUMER = 'notification.messages' satisfies EventConsumerName;

const STEPPED_BACK = 'daybook.appointment.stepped-back.v1';

/** The changes that always have a message. */
const KINDS: Record<Exclude<ConsumedType<typeof MESSAGES_CONSUMER>, typeof STEPPED_BACK>, MessageKind> = {
  'daybook.appointment.booked.v1': 'booked',
  'daybook.appointment.rescheduled.v1': 'rescheduled',
  'daybook.appointment.cancelled.v1': 'cancelled',
};
const MESSAGES: ReadonlyMap<string, MessageKind> = new Map(Object.entries(KINDS));

const readAppointmentEvent = readerOf(AppointmentEventData);

const readSteppedBackEvent = readerOf(SteppedBackEventData);

/** A cancellation that is taken back is a booking again; every other step back concerns staff alone. */
function kindOf({ type, data }: CloudEvent): MessageKind | undefined {
  if (type !== STEPPED_BACK) return MESSAGES.get(type);
  return readSteppedBackEvent(data).status.from === 'cancelled' ? 'booked' : undefined;
}

function messageOf(event: CloudEvent): NewMessage[] {
  const { sequence, data } = event;
  const kind = kindOf(event);
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
