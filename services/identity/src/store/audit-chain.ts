/**
 * The chain of the audit trail. Each entry carries the SHA-256 of the one before, and the position in the chain is the
 * primary key. The head has the hash of the last entry, so a removed end is noticed too.
 */
import { createHash } from 'node:crypto';
import type { AuditAction, Role } from '@daybook/contracts';
import { type DatabaseDialect, executeBatch, idToBytes } from '@daybook/database';
import type { IdentityTransaction } from './accounts.ts';
import type { AuditRow } from './tables.ts';

/** The nil UUID (RFC 9562), in an entry that must cost the same work with and without a patient. */
export const NO_PATIENT = '00000000-0000-0000-0000-000000000000';

export interface AuditActor {
  readonly id: string;
  readonly role: Role;
}

export interface NewAuditEntry {
  readonly action: AuditAction;
  /** When it happened. Undefined: now. */
  readonly at?: number | undefined;
  /** The service that recorded it. Undefined: identity. */
  readonly service?: string | undefined;
  /** The operation id of a call. */
  readonly operation?: string | undefined;
  /** Undefined for a person who has not signed in. A program has a name instead of the id of an account. */
  readonly actor?: AuditActor | undefined;
  /** The account that it is about. */
  readonly accountId?: string | undefined;
  readonly patientIds?: readonly string[] | undefined;
  /** The resource that was called for or changed. */
  readonly subjectId?: string | undefined;
  /** Words of ours, never of a person: methods, fields, the kind of an identity check. */
  readonly detail?: string | undefined;
}

/** An entry with the patients that it is about, sorted. */
export interface ChainedEntry {
  readonly row: AuditRow;
  readonly patientIds: readonly Uint8Array[];
}

/** A place in the chain: an entry, and its hash. */
export interface ChainPlace {
  readonly position: number;
  readonly hash: Uint8Array;
}

/** The id of the one row of the head, and of the checkpoint. */
export const ONLY_ROW = 1;
export const NO_ENTRY: ChainPlace = { position: 0, hash: Buffer.alloc(32) };

/** The most rows in one statement. SQLite takes 32,766 parameters. */
const ROWS_A_STATEMENT = 1_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const hexOf = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('hex');

/** Returns the hash that the next entry carries. */
export function hashOfEntry({ row, patientIds }: ChainedEntry): Buffer {
  const { position, at, action, service, operation, actor_role, program, detail } = row;
  const ids = [row.actor_id, row.account_id, row.subject_id, row.previous_hash].map(hexOf);
  const words = [Number(position), Number(at), action, service, operation, actor_role, program, detail];
  return createHash('sha256')
    .update(JSON.stringify([...words, ...ids, patientIds.map(hexOf)]))
    .digest();
}

const bytesOf = (id: string | undefined): Uint8Array | null => (id === undefined ? null : idToBytes(id));

function chained(entry: NewAuditEntry, { position, hash }: ChainPlace, now: number): ChainedEntry {
  const { action, at = now, service = 'identity', operation, actor, accountId, patientIds = [], subjectId } = entry;
  const isAccount = actor !== undefined && UUID.test(actor.id);
  return {
    row: {
      position: position + 1,
      at,
      action,
      service,
      operation: operation ?? null,
      actor_id: isAccount ? idToBytes(actor.id) : null,
      actor_role: actor?.role ?? null,
      program: isAccount ? null : (actor?.id ?? null),
      account_id: bytesOf(accountId),
      subject_id: bytesOf(subjectId),
      detail: entry.detail ?? null,
      previous_hash: hash,
    },
    patientIds: [...new Set(patientIds.map((id) => id.toLowerCase()))].sort().map(idToBytes),
  };
}

const selectHead = (tx: IdentityTransaction, { supportsRowLocks }: DatabaseDialect) =>
  tx
    .selectFrom('audit_head')
    .select(['position', 'hash'])
    .where('id', '=', ONLY_ROW)
    .$if(supportsRowLocks, (query) => query.forUpdate())
    .executeTakeFirst();

async function lockHead(tx: IdentityTransaction, dialect: DatabaseDialect): Promise<ChainPlace> {
  const head = await selectHead(tx, dialect);
  if (head) return head;
  await tx
    .insertInto('audit_head')
    .ignore()
    .values({ id: ONLY_ROW, ...NO_ENTRY })
    .execute();
  return (await selectHead(tx, dialect)) ?? NO_ENTRY;
}

const inChunks = <Row>(rows: readonly Row[]): Row[][] =>
  Array.from({ length: Math.ceil(rows.length / ROWS_A_STATEMENT) }, (_, index) =>
    rows.slice(index * ROWS_A_STATEMENT, (index + 1) * ROWS_A_STATEMENT),
  );

/** Appends entries in their order, in the transaction of what they are about. It locks the head, so it comes last. */
export async function appendEntries(
  tx: IdentityTransaction,
  dialect: DatabaseDialect,
  entries: readonly NewAuditEntry[],
  now: number,
): Promise<void> {
  let place = await lockHead(tx, dialect);
  const appended: ChainedEntry[] = [];
  for (const entry of entries) {
    const next = chained(entry, place, now);
    place = { position: next.row.position, hash: hashOfEntry(next) };
    appended.push(next);
  }
  const patients = appended.flatMap(({ row: { position }, patientIds }) =>
    patientIds.map((patient_id) => ({ position, patient_id })),
  );
  await executeBatch(tx, dialect, [
    ...inChunks(appended.map(({ row }) => row)).map((rows) => tx.insertInto('audit_entries').values(rows)),
    ...inChunks(patients).map((rows) => tx.insertInto('audit_patients').values(rows)),
    tx.updateTable('audit_head').set({ position: place.position, hash: place.hash }).where('id', '=', ONLY_ROW),
  ]);
}
