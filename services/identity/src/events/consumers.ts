/** The events that this service consumes. */
import {
  AuditEventData,
  type CloudEvent,
  type ConsumedType,
  ContactChangeEventData,
  EmergencyAccessEventData,
  type EventConsumerName,
  eventConsumers,
  PatientEventData,
  toMillis,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type Consumer, createConsumer, forEach } from '@daybook/messaging';
import { type Clock, createParser, type Logger } from '@daybook/service';
import type { IdentityTransaction } from '../store/accounts.ts';
import { createAuditTrail, type NewAuditEntry } from '../store/audit.ts';
import type { MailOutbox } from '../store/mail-outbox.ts';
import { activeAdministrators, createPatientErasure } from '../store/patient-erasure.ts';
import type { IdentityTables } from '../store/tables.ts';

const AUDIT_CONSUMER = 'identity.audit' satisfies EventConsumerName;

const readAuditEvent = createParser(AuditEventData);

/** Returns `patient` for `/services/patient`. */
const serviceOf = (source: string): string => source.slice(source.lastIndexOf('/') + 1);

function entryOf({ source, time, data }: CloudEvent): NewAuditEntry {
  const { action, operation, callerId, callerRole, patientIds, subjectId } = readAuditEvent(data);
  return {
    action,
    operation,
    at: toMillis(time),
    service: serviceOf(source),
    actor: { id: callerId, role: callerRole },
    patientIds,
    subjectId,
  };
}

/** Chains the calls of all services, in the order in which they arrive. */
export const auditConsumer = (database: Database<IdentityTables>, clock: Clock, logger: Logger): Consumer => {
  const audit = createAuditTrail(database, clock);
  return createConsumer({
    name: AUDIT_CONSUMER,
    types: eventConsumers[AUDIT_CONSUMER],
    database,
    logger,
    inBatches: true,
    effect: (tx, events) => audit.appendAllIn(tx, events.map(entryOf)),
  });
};

const PATIENTS_CONSUMER = 'identity.patients' satisfies EventConsumerName;

const readErasure = createParser(PatientEventData);
const readEmergency = createParser(EmergencyAccessEventData);
const readContactChange = createParser(ContactChangeEventData);

/** Plans a mail to each administrator. */
async function planEmergencyMails(tx: IdentityTransaction, outbox: MailOutbox, { data }: CloudEvent): Promise<void> {
  const { emergencyAccessId: subjectId } = readEmergency(data);
  for (const accountId of await activeAdministrators(tx)) {
    const loginKey = `${accountId} ${subjectId}`;
    await outbox.enqueueIn(tx, { purpose: 'emergency-access', loginKey, accountId, subjectId });
  }
}

/** Plans a mail to the contact before a change. The patient service has it, and the event does not. */
async function planContactMail(tx: IdentityTransaction, outbox: MailOutbox, { data }: CloudEvent): Promise<void> {
  const { patientId, contactChangeId: subjectId } = readContactChange(data);
  const mail = { purpose: 'contact-changed', loginKey: subjectId, accountId: undefined, subjectId, patientId } as const;
  await outbox.enqueueIn(tx, mail);
}

export interface PatientsConsumerOptions {
  readonly database: Database<IdentityTables>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined where no mail is configured. */
  readonly mail: { readonly outbox: MailOutbox; wake(): void } | undefined;
}

type PatientEffect = (tx: IdentityTransaction, event: CloudEvent) => Promise<void>;

/** Ends the links to erased records, and plans the mails about emergency accesses and changed contacts. */
export function patientsConsumer({ database, clock, logger, mail }: PatientsConsumerOptions): Consumer {
  const erase = createPatientErasure(database, clock);
  const effects: Record<ConsumedType<typeof PATIENTS_CONSUMER>, PatientEffect> = {
    'daybook.patient.erased.v1': (tx, { data }) => erase(tx, readErasure(data).patientId),
    'daybook.patient.emergency-access.v1': async (tx, event) => mail && planEmergencyMails(tx, mail.outbox, event),
    'daybook.patient.contact-changed.v1': async (tx, event) => mail && planContactMail(tx, mail.outbox, event),
  };
  const byType: ReadonlyMap<string, PatientEffect> = new Map(Object.entries(effects));
  const consumer = createConsumer({
    name: PATIENTS_CONSUMER,
    types: eventConsumers[PATIENTS_CONSUMER],
    database,
    logger,
    effect: forEach(async (tx: IdentityTransaction, event) => byType.get(event.type)?.(tx, event)),
  });
  return {
    ...consumer,
    async handle(event) {
      await consumer.handle(event);
      if (event.type === 'daybook.patient.erased.v1') await database.purgeDeleted();
      else mail?.wake();
    },
  };
}
