/**
 * The audit trail of identity: ids, roles and times only. Each entry carries the SHA-256 of the one before, and the
 * position in the chain is the primary key. The head has the hash of the last entry, so a removed end is noticed too.
 */
import { createHash } from 'node:crypto';
import {
  type AuditAction,
  type AuditEntry,
  type AuditQuery,
  DEFAULT_LIMIT,
  type PageOf,
  type Role,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis } from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { sql } from 'kysely';
import type { IdentityTransaction } from './accounts.ts';
import type { OwnAccount } from './own-account.ts';
import type { AuditRow, IdentityTables } from './tables.ts';

export interface AuditActor {
  readonly id: string;
  readonly role: Role;
}

export interface NewAuditEntry {
  readonly action: AuditAction;
  /** Undefined for a person who has not signed in. */
  readonly actor?: AuditActor | undefined;
  /** The account that it is about. */
  readonly accountId?: string | undefined;
  readonly patientId?: string | undefined;
  /** Words of ours, never of a person: methods, fields, the kind of an identity check. */
  readonly detail?: string | undefined;
}

export interface AuditTrail {
  /** Appends an entry in the transaction of what it is about. It locks the head, so it comes last in a transaction. */
  appendIn(tx: IdentityTransaction, entry: NewAuditEntry): Promise<void>;
  append(entry: NewAuditEntry): Promise<void>;
  /** Returns entries, newest first. An own account reaches its own entries, and those of patients that it acts for. */
  search(query: AuditQuery, own: OwnAccount): Promise<PageOf<AuditEntry>>;
}

/** The one row of the head. */
const HEAD = 1;
const NO_HASH = Buffer.alloc(32);
const ENTRIES_A_READ = 500;

const hexOf = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('hex');

/** Returns the hash that the next entry carries. */
export function hashOfEntry(row: AuditRow): Buffer {
  const { position, at, action, actor_id, actor_role, account_id, patient_id, detail, previous_hash } = row;
  const ids = [actor_id, account_id, patient_id, previous_hash].map(hexOf);
  return createHash('sha256')
    .update(JSON.stringify([Number(position), Number(at), action, actor_role, detail, ...ids]))
    .digest();
}

export function createAuditTrail(database: Database<IdentityTables>, clock: Clock): AuditTrail {
  const now = () => clock().epochMilliseconds;

  const selectHead = (tx: IdentityTransaction) =>
    tx
      .selectFrom('audit_head')
      .select(['position', 'hash'])
      .where('id', '=', HEAD)
      .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
      .executeTakeFirst();

  async function lockHead(tx: IdentityTransaction): Promise<{ position: number; hash: Uint8Array }> {
    const head = await selectHead(tx);
    if (head) return head;
    await tx.insertInto('audit_head').ignore().values({ id: HEAD, position: 0, hash: NO_HASH }).execute();
    return (await selectHead(tx)) ?? { position: 0, hash: NO_HASH };
  }

  async function appendIn(tx: IdentityTransaction, entry: NewAuditEntry): Promise<void> {
    const { action, actor, accountId, patientId, detail } = entry;
    const head = await lockHead(tx);
    const row: AuditRow = {
      position: head.position + 1,
      at: now(),
      action,
      actor_id: actor ? idToBytes(actor.id) : null,
      actor_role: actor?.role ?? null,
      account_id: accountId === undefined ? null : idToBytes(accountId),
      patient_id: patientId === undefined ? null : idToBytes(patientId),
      detail: detail ?? null,
      previous_hash: head.hash,
    };
    await tx.insertInto('audit_entries').values(row).execute();
    await tx
      .updateTable('audit_head')
      .set({ position: row.position, hash: hashOfEntry(row) })
      .where('id', '=', HEAD)
      .execute();
  }

  const actsFor = (accountId: string, patientId: string) =>
    sql<boolean>`(select 1 from account_patients as mine where mine.account_id = ${idToBytes(accountId)}
      and mine.patient_id = ${idToBytes(patientId)} and (mine.ends_at is null or mine.ends_at > ${now()})) = 1`;

  /** A patient sees the role of staff, and no id of them. */
  const toEntry = (row: AuditRow, own: OwnAccount): AuditEntry => {
    const actorId = row.actor_id === null ? undefined : idFromBytes(row.actor_id);
    return {
      position: row.position,
      at: isoFromMillis(row.at),
      action: row.action,
      ...(row.actor_role !== null && { actorRole: row.actor_role }),
      ...(actorId !== undefined && (own === undefined || own === actorId) && { actorId }),
      ...(row.account_id !== null && { accountId: idFromBytes(row.account_id) }),
      ...(row.patient_id !== null && { patientId: idFromBytes(row.patient_id) }),
      ...(row.detail !== null && { detail: row.detail }),
    };
  };

  return {
    appendIn,
    append: (entry) => database.write((tx) => appendIn(tx, entry)),

    async search({ accountId, actorId, patientId, limit = DEFAULT_LIMIT, cursor }, own) {
      const [last] = cursor === undefined ? [] : decodeCursor(cursor, ['number']);
      const ofAccount = patientId === undefined ? (accountId ?? own) : accountId;
      if (own !== undefined && ofAccount !== undefined && ofAccount.toLowerCase() !== own) return { items: [] };
      // A filter by the id of a member of staff would confirm it.
      if (own !== undefined && actorId !== undefined && actorId.toLowerCase() !== own) return { items: [] };
      const rows = await database.read((db) => {
        let found = db
          .selectFrom('audit_entries')
          .selectAll()
          .orderBy('position', 'desc')
          .limit(limit + 1);
        if (ofAccount !== undefined) found = found.where('account_id', '=', idToBytes(ofAccount));
        if (actorId !== undefined) found = found.where('actor_id', '=', idToBytes(actorId));
        if (patientId !== undefined) {
          found = found.where('patient_id', '=', idToBytes(patientId));
          if (own !== undefined) found = found.where(actsFor(own, patientId));
        }
        if (last !== undefined) found = found.where('position', '<', last);
        return found.execute();
      });
      return pageOf(
        rows,
        limit,
        ({ position }) => [position],
        (row) => toEntry(row, own),
      );
    },
  };
}

/** What a verification found. */
export type ChainReport =
  | { readonly isWhole: true; readonly entries: number }
  | { readonly isWhole: false; readonly brokenAt: number; readonly reason: string };

/** Verifies the chain, and finds the first broken link. Entries that are appended meanwhile count as well. */
export async function verifyAuditChain(database: Database<IdentityTables>): Promise<ChainReport> {
  const head = await database.read((db) =>
    db.selectFrom('audit_head').select(['position', 'hash']).where('id', '=', HEAD).executeTakeFirst(),
  );
  const end = head?.position ?? 0;
  const broken = (brokenAt: number, reason: string): ChainReport => ({ isWhole: false, brokenAt, reason });
  let position = 0;
  let hash: Uint8Array = NO_HASH;
  for (;;) {
    const after = position;
    const rows = await database.read((db) =>
      db
        .selectFrom('audit_entries')
        .selectAll()
        .where('position', '>', after)
        .orderBy('position')
        .limit(ENTRIES_A_READ)
        .execute(),
    );
    for (const row of rows) {
      position += 1;
      if (row.position !== position) return broken(position, 'the entry is missing');
      if (Buffer.compare(row.previous_hash, hash) !== 0) {
        return broken(position, `the entry does not carry the hash of entry ${position - 1}`);
      }
      hash = hashOfEntry(row);
      // An entry after the head was appended meanwhile, or by a program that does not know the head.
      if (position === end && head && Buffer.compare(head.hash, hash) !== 0) {
        return broken(position, 'the head of the chain has another hash of this entry');
      }
    }
    if (rows.length < ENTRIES_A_READ) break;
  }
  return position < end ? broken(position + 1, 'the entry is missing') : { isWhole: true, entries: position };
}
