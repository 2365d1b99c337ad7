/** Stores audit records as events in the outbox of a service. Identity consumes them. */
import { createMicroBatcher } from '@daybook/async';
import type { AuditEventData } from '@daybook/contracts';
import {
  asSharedDatabase,
  asSharedTransaction,
  type Database,
  insertEvents,
  type OriginatedEvent,
} from '@daybook/database';
import type { Clock } from '../lifecycle/clock.ts';
import type { Auditor, AuditRecord } from './auditor.ts';

/**
 * The subjects of audit events. The relay publishes the events of one subject one by one, and pauses a failing subject.
 * Few subjects keep a failing audit trail from pausing the relay; several let identity store a batch at a time.
 */
const SUBJECTS = 32;
const subjectAt = (count: number): string => `00000000-0000-8000-8000-${String(count % SUBJECTS).padStart(12, '0')}`;

/** The most records in one transaction. */
const MAX_BATCH = 100;

const dataOf = ({ action, operation, caller, patientIds, subjectId }: AuditRecord): AuditEventData => ({
  action,
  operation,
  callerId: caller.id,
  callerRole: caller.role,
  patientIds: [...patientIds],
  ...(subjectId !== undefined && { subjectId }),
});

interface Timed {
  readonly record: AuditRecord;
  readonly time: Temporal.Instant;
}

/**
 * Returns the auditor of a service. Records of concurrent requests share a transaction, so that a read costs a part of
 * one commit. `source` is that of the service's events: `/services/patient`.
 */
export function createOutboxAuditor<Tables>(ofService: Database<Tables>, source: string, clock: Clock): Auditor {
  const database = asSharedDatabase(ofService);
  let count = 0;

  function eventOf({ record, time }: Timed): OriginatedEvent<'daybook.audit.recorded.v1'> {
    count += 1;
    return {
      // A call has no version. The time is only near to an order, because processes and clocks differ.
      event: {
        type: 'daybook.audit.recorded.v1',
        subject: subjectAt(count),
        sequence: time.epochMilliseconds,
        data: dataOf(record),
      },
      origin: { source, time, traceparent: record.traceparent },
    };
  }

  const store = (items: readonly Timed[]): Promise<void> =>
    database.write(async (transaction) => {
      await insertEvents(asSharedTransaction(transaction), items.map(eventOf)).execute();
    });
  const storeInBatch = createMicroBatcher<Timed>(
    { processBatch: store, processOne: (item, first = store([item])) => first },
    MAX_BATCH,
  );
  return {
    record: (record) => storeInBatch({ record, time: clock() }),
    insertIn: (transaction, record) => insertEvents(transaction, [eventOf({ record, time: clock() })]),
  };
}
