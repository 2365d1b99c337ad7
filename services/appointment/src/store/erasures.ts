/**
 * Erases the texts of a patient's appointments: reasons, notes, and reasons in the history. Times, statuses and authors
 * stay. Whatever order events come in, each erased row says so, and never changes again.
 */
import type { Appointment, VerifiedCaller } from '@daybook/contracts';
import {
  asSharedTransaction,
  type DatabaseDialect,
  executeBatch,
  idFromBytes,
  idToBytes,
  rewriteStoredResponses,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { sql } from 'kysely';
import { UPCOMING_STATUSES } from '../domain/booking/lifecycle.ts';
import { nextVersion, updateStatements } from './appointment-changes.ts';
import { toAppointment } from './appointment-row.ts';
import { recordVersion } from './participant-versions.ts';
import { releaseStatement } from './reservations.ts';
import type { Tx } from './tables.ts';

const ENTRIES_A_READ = 500;

export interface ErasedPatient {
  readonly patientId: string;
  /** The version of the record after the erasure. */
  readonly version: number;
}

export interface ErasureContext {
  readonly dialect: DatabaseDialect;
  readonly caller: VerifiedCaller;
  readonly clock: Clock;
}

/** Cancels what was booked while the patient was erased. There is no contact left to send a message to. */
async function cancelUpcoming(tx: Tx, patient_id: Uint8Array, { dialect, caller, clock }: ErasureContext) {
  const rows = await tx
    .selectFrom('appointments')
    .selectAll()
    .where('patient_id', '=', patient_id)
    .where('starts_at', '>', clock().epochMilliseconds)
    .where('status', 'in', UPCOMING_STATUSES)
    .$if(dialect.supportsRowLocks, (query) => query.forUpdate())
    .execute();
  for (const before of rows.map(toAppointment)) {
    const after = nextVersion(before, { status: 'cancelled' }, clock);
    const change = { action: 'cancelled', before, after, moved: false } as const;
    await executeBatch(tx, dialect, [
      releaseStatement(tx, before.id),
      ...updateStatements(tx, caller, change, undefined),
    ]);
  }
}

/** Erases the texts of the appointments themselves. Those that had one get another version, for their ETag. */
async function eraseTexts(tx: Tx, patient_id: Uint8Array): Promise<void> {
  await tx
    .updateTable('appointments')
    .set({
      // First, because MySQL assigns in this order.
      version: sql<number>`version + case when reason is null and note is null then 0 else 1 end`,
      reason: null,
      note: null,
      erased: 1,
    })
    .where('patient_id', '=', patient_id)
    .execute();
}

const withoutTexts = (entry: string): string => {
  const { reason: _, overbookingReason: __, ...rest } = JSON.parse(entry);
  return JSON.stringify(rest);
};

/** Erases the texts of the histories, a few hundred entries at a time. */
async function eraseHistories(tx: Tx, patient_id: Uint8Array): Promise<void> {
  let after: Uint8Array = Buffer.alloc(16);
  for (;;) {
    const appointments = await tx
      .selectFrom('appointments')
      .select('id')
      .where('patient_id', '=', patient_id)
      .where('id', '>', after)
      .orderBy('id')
      .limit(ENTRIES_A_READ)
      .execute();
    const ids = appointments.map(({ id }) => id);
    if (ids.length === 0) return;
    const entries = await tx.selectFrom('appointment_history').selectAll().where('appointment_id', 'in', ids).execute();
    for (const { appointment_id, version, entry } of entries) {
      const erased = withoutTexts(entry);
      if (erased === entry) continue;
      await tx
        .updateTable('appointment_history')
        .set({ entry: erased })
        .where('appointment_id', '=', appointment_id)
        .where('version', '=', version)
        .execute();
    }
    after = ids.at(-1) ?? after;
  }
}

const isOf = (body: unknown, patientId: string): body is Appointment =>
  typeof body === 'object' && body !== null && 'patientId' in body && body.patientId === patientId;

/** Erases the texts in stored responses, of which a repeated request gets the rest. */
const eraseResponses = (tx: Tx, patientId: string): Promise<void> =>
  rewriteStoredResponses(asSharedTransaction(tx), patientId, (body) => {
    if (!isOf(body, patientId)) return body;
    const { reason: _, note: __, ...rest } = body;
    return rest;
  });

/** Erases the texts of a patient in the transaction of the consumer. A second time changes nothing. */
export async function eraseAppointments(
  tx: Tx,
  { patientId, version }: ErasedPatient,
  context: ErasureContext,
): Promise<void> {
  const patient_id = idToBytes(patientId);
  // A booking with older facts is either stored already and erased here, or rejected with StaleFacts.
  await recordVersion(tx, context.dialect, { id: patientId, version });
  await cancelUpcoming(tx, patient_id, context);
  await eraseTexts(tx, patient_id);
  await eraseHistories(tx, patient_id);
  await eraseResponses(tx, idFromBytes(patient_id));
}
