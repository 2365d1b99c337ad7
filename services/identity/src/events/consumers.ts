/** The events that this service consumes. */
import { AuditEventData, type CloudEvent, type EventConsumerName, eventConsumers, toMillis } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type Consumer, createConsumer } from '@daybook/messaging';
import { type Clock, createParser, type Logger } from '@daybook/service';
import { createAuditTrail, type NewAuditEntry } from '../store/audit.ts';
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
