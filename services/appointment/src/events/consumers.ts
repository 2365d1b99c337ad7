/** The events that this service consumes, and the work that each one makes due. */
import {
  type CloudEvent,
  type ConsumedType,
  type EventConsumerName,
  eventConsumers,
  PatientEventData,
  PatientMergeEventData,
  type VerifiedCaller,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type Consumer, createConsumer, forEach } from '@daybook/messaging';
import { type Clock, createParser, type Logger } from '@daybook/service';
import { eraseAppointments } from '../store/erasures.ts';
import { recordMerge } from '../store/patient-merges.ts';
import { type ParticipantKind, recordParticipantChange } from '../store/revalidation-requests.ts';
import type { AppointmentTables, Tx } from '../store/tables.ts';

/** Creates a consumer whose effect makes work due. It calls `wakeWorker` after each event that it has handled. */
function createWakingConsumer(
  name: EventConsumerName,
  database: Database<AppointmentTables>,
  logger: Logger,
  wakeWorker: () => void,
  effect: (tx: Tx, event: CloudEvent) => Promise<void>,
): Consumer {
  const types = eventConsumers[name];
  const consumer = createConsumer({ name, types, database, logger, effect: forEach(effect) });
  return afterEachEvent(consumer, wakeWorker);
}

/** Calls `then` after each event that a consumer has handled. */
const afterEachEvent = (consumer: Consumer, then: () => Promise<void> | void): Consumer => ({
  ...consumer,
  async handle(event) {
    await consumer.handle(event);
    await then();
  },
  async resend(eventId, write) {
    const parked = await consumer.resend(eventId, write);
    await then();
    return parked;
  },
});

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
  'daybook.doctor.closure-added.v1': 'doctor',
  'daybook.doctor.closure-removed.v1': 'doctor',
};
const CHANGES: ReadonlyMap<string, ParticipantKind> = new Map(Object.entries(KINDS));

/** Records whose appointments need revalidation. */
export const participantChangesConsumer = (
  database: Database<AppointmentTables>,
  clock: Clock,
  logger: Logger,
  wakeWorker: () => void,
): Consumer =>
  createWakingConsumer(REVALIDATION_CONSUMER, database, logger, wakeWorker, async (tx, event) => {
    const kind = CHANGES.get(event.type);
    if (kind) await recordParticipantChange(tx, database.dialect, kind, event, clock().epochMilliseconds);
  });

const MERGES_CONSUMER = 'appointment.merges' satisfies EventConsumerName;
const UNMERGED = 'daybook.patient.unmerged.v1' satisfies ConsumedType<typeof MERGES_CONSUMER>;

const readMerge = createParser(PatientMergeEventData);

/** Records which patient records were merged. */
export const patientMergesConsumer = (
  database: Database<AppointmentTables>,
  clock: Clock,
  logger: Logger,
  wakeWorker: () => void,
): Consumer =>
  createWakingConsumer(MERGES_CONSUMER, database, logger, wakeWorker, async (tx, { type, sequence, data }) => {
    const { patientId, into } = readMerge(data);
    const change = { patientId, into: type === UNMERGED ? undefined : into, version: sequence };
    await recordMerge(tx, database.dialect, change, clock().epochMilliseconds);
  });

const ERASURES_CONSUMER = 'appointment.erasures' satisfies EventConsumerName;

const readErasure = createParser(PatientEventData);

/** Erases the texts of erased patients. The files of the database lose them before the event counts as handled. */
export const patientErasuresConsumer = (
  database: Database<AppointmentTables>,
  clock: Clock,
  logger: Logger,
  caller: VerifiedCaller,
): Consumer => {
  const consumer = createConsumer({
    name: ERASURES_CONSUMER,
    types: eventConsumers[ERASURES_CONSUMER],
    database,
    logger,
    effect: forEach(async (tx: Tx, { sequence, data }) => {
      const { patientId } = readErasure(data);
      await eraseAppointments(tx, { patientId, version: sequence }, { dialect: database.dialect, caller, clock });
    }),
  });
  return afterEachEvent(consumer, () => database.purgeDeleted());
};
