/** The events that this service consumes. */
import {
  AppointmentEventData,
  type CloudEvent,
  type ConsumedType,
  type EventConsumerName,
  eventConsumers,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type Consumer, createConsumer } from '@daybook/messaging';
import { createParser, type Logger } from '@daybook/service';
import { recordVisits, type Visit } from '../store/care-relationships.ts';
import type { PatientTables } from '../store/tables.ts';

const CARE_CONSUMER = 'patient.care-relationships' satisfies EventConsumerName;

const CANCELLED = 'daybook.appointment.cancelled.v1' satisfies ConsumedType<typeof CARE_CONSUMER>;

const readAppointmentEvent = createParser(AppointmentEventData);

/** Every other event than a cancellation leaves a visit that counts, also one that undoes a cancellation. */
const visitOf = ({ type, sequence, data }: CloudEvent): Visit => ({
  ...readAppointmentEvent(data),
  isCancelled: type === CANCELLED,
  sequence,
});

export const careRelationshipsConsumer = (database: Database<PatientTables>, logger: Logger): Consumer =>
  createConsumer({
    name: CARE_CONSUMER,
    types: eventConsumers[CARE_CONSUMER],
    database,
    logger,
    inBatches: true,
    effect: (tx, events) => recordVisits(tx, events.map(visitOf)),
  });
