/** Records the calls of this service, directly in the chain. Its changes have entries of their own. */
import { createMicroBatcher } from '@daybook/async';
import type { Database } from '@daybook/database';
import type { Auditor, AuditRecord, Clock } from '@daybook/service';
import { createAuditTrail, type NewAuditEntry } from './audit.ts';
import type { IdentityTables } from './tables.ts';

/** The most records in one transaction, which holds the lock of the head. */
const MAX_BATCH = 32;

const entryOf = ({ action, operation, caller, patientIds, subjectId }: AuditRecord): NewAuditEntry => ({
  action,
  operation,
  actor: caller,
  patientIds,
  subjectId,
});

export function createChainAuditor(database: Database<IdentityTables>, clock: Clock): Auditor {
  const audit = createAuditTrail(database, clock);
  const store = (records: readonly AuditRecord[]) =>
    database.write((tx) => audit.appendAllIn(tx, records.map(entryOf)));
  const record = createMicroBatcher<AuditRecord>(
    { processBatch: store, processOne: (one, first = store([one])) => first },
    MAX_BATCH,
  );
  return { record };
}
