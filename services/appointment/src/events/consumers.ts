/** The events that this service consumes, and what each one changes. */
import { type ConsumedType, type EventConsumerName, eventConsumers, PatientMergeEventData } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type Consumer, createConsumer, forEach } from '@daybook/messaging';
import { type Clock, createParser, type Logger } from '@daybook/service';
import { type ParticipantKind, recordParticipantChange } from '../store/participant-changes.ts';
import { recordMerge } from '../store/patient-merges.ts';
import type { AppointmentTables } from '../store/tables.ts';

const REVALIDATION_CONSUMER = 'appointment.revalidation' satisfies EventConsumerName;

/** The participants whose changes can affect appointments that are booked. */
const KINDS: Record<ConsumedType<typeof REVALIDATION_CONSUMER>, ParticipantKind> = {
  'daybook.patient.updated.v1': 'patient',
  'daybook.patient.deactivated.v1': 'patient',
  'daybook.doctor.updated.v1': 'doctor',
  'daybook.doctor.deactivated.v1': 'doctor',
  'daybook.doctor.schedule-changed.v1': 'doctor',
  'daybook.doctor.exception-added.v1': 'doctor',
  'daybook.doctor.exception-removed.v1': 'doctor',
};
const CHANGES: ReadonlyMap<string, ParticipantKind> = new Map(Object.entries(KINDS));

/** Records whose appointments need revalidation. Calls `onChange` once that is stored. */
export const participantChangesConsumer = (
  database: Database<AppointmentTables>,
  clock: Clock,
  logger: Logger,
  onChange: () => void,
): Consumer => {
  const consumer = createConsumer({
    name: REVALIDATION_CONSUMER,
    types: eventConsumers[REVALIDATION_CONSUMER],
    database,
    logger,
    effect: forEach(async (tx, event) => {
      const kind = CHANGES.get(event.type);
      if (kind) await recordParticipantChange(tx, database, kind, event, clock().epochMilliseconds);
    }),
  });
  return withChangeCallback(consumer, onChange);
};

/** Returns the consumer, which calls `onChange` after each event that it has handled. */
const withChangeCallback = (consumer: Consumer, onChange: () => void): Consumer => ({
  ...consumer,
  async handle(event) {
    await consumer.handle(event);
    onChange();
  },
  async resend(eventId, write) {
    const parked = await consumer.resend(eventId, write);
    onChange();
    return parked;
  },
});

const MERGES_CONSUMER = 'appointment.merges' satisfies EventConsumerName;
const UNMERGED = 'daybook.patient.unmerged.v1' satisfies ConsumedType<typeof MERGES_CONSUMER>;

const readMerge = createParser(PatientMergeEventData);

/** Records which patient records were merged. Calls `onChange` once that is stored. */
export const patientMergesConsumer = (
  database: Database<AppointmentTables>,
  clock: Clock,
  logger: Logger,
  onChange: () => void,
): Consumer => {
  const consumer = createConsumer({
    name: MERGES_CONSUMER,
    types: eventConsumers[MERGES_CONSUMER],
    database,
    logger,
    effect: forEach(async (tx, { type, sequence, data }) => {
      const { patientId, into } = readMerge(data);
      const change = { patientId, into: type === UNMERGED ? undefined : into, version: sequence };
      await recordMerge(tx, database.dialect, change, clock().epochMilliseconds);
    }),
  });
  return withChangeCallback(consumer, onChange);
};
