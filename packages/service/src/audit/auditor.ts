/** What the audit trail needs from a service: see docs/decisions/0050-audit-trail.md. */
import type { CallAction, VerifiedCaller } from '@daybook/contracts';
import type { SharedTransaction, Statement } from '@daybook/database';

/** One call. Ids and words of ours only. */
export interface AuditRecord {
  readonly action: CallAction;
  readonly operation: string;
  readonly caller: Pick<VerifiedCaller, 'id' | 'role'>;
  readonly patientIds: readonly string[];
  /** What was called for or changed. */
  readonly subjectId?: string | undefined;
  readonly traceparent?: string | undefined;
}

export interface Auditor {
  /** Stores a record. Rejects when it is not stored, and the caller then gets no response. */
  record(record: AuditRecord): Promise<void>;
  /** Returns the statement that stores a record in the transaction of its change. Undefined: `record` stores it after. */
  readonly insertIn?: (transaction: SharedTransaction, record: AuditRecord) => Statement;
}
