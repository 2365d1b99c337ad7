/** The audit trail: ids, roles and times only. Its entries are those of identity, and of the calls of all services. */
import { type AuditEntry, type AuditQuery, DEFAULT_LIMIT, type PageOf } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis } from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { type RawBuilder, sql } from 'kysely';
import type { IdentityTransaction } from './accounts.ts';
import { appendEntries, type NewAuditEntry, NO_PATIENT } from './audit-chain.ts';
import type { OwnAccount } from './own-account.ts';
import type { AuditRow, IdentityTables } from './tables.ts';

export type { AuditActor, NewAuditEntry } from './audit-chain.ts';

export interface AuditTrail {
  /** Appends an entry in the transaction of what it is about. It locks the head, so it comes last in a transaction. */
  appendIn(tx: IdentityTransaction, entry: NewAuditEntry): Promise<void>;
  /** Appends entries in their order. */
  appendAllIn(tx: IdentityTransaction, entries: readonly NewAuditEntry[]): Promise<void>;
  append(entry: NewAuditEntry): Promise<void>;
  /** Returns entries, newest first. An own account reaches its own entries, and those of patients that it acts for. */
  search(query: AuditQuery, own: OwnAccount): Promise<PageOf<AuditEntry>>;
}

type FoundRow = AuditRow & { readonly patientIds: readonly string[] };

/** A patient sees the role of staff, and no id of them or of other patients. */
function toEntry(row: FoundRow, own: OwnAccount): AuditEntry {
  const actorId = row.actor_id === null ? undefined : idFromBytes(row.actor_id);
  return {
    position: row.position,
    at: isoFromMillis(row.at),
    action: row.action,
    service: row.service,
    ...(row.operation !== null && { operation: row.operation }),
    ...(row.actor_role !== null && { actorRole: row.actor_role }),
    ...(actorId !== undefined && (own === undefined || own === actorId) && { actorId }),
    ...(row.program !== null && own === undefined && { program: row.program }),
    ...(row.account_id !== null && { accountId: idFromBytes(row.account_id) }),
    patientIds: row.patientIds.filter((id) => id !== NO_PATIENT),
    ...(row.subject_id !== null && { subjectId: idFromBytes(row.subject_id) }),
    ...(row.detail !== null && { detail: row.detail }),
  };
}

export function createAuditTrail(database: Database<IdentityTables>, clock: Clock): AuditTrail {
  const now = () => clock().epochMilliseconds;

  const appendAllIn = (tx: IdentityTransaction, entries: readonly NewAuditEntry[]) =>
    appendEntries(tx, database.dialect, entries, now());

  /** Returns the condition that an account acts for a patient. Without a patient, for one of an entry. */
  const actsFor = (accountId: string, patient: RawBuilder<Uint8Array>): RawBuilder<boolean> =>
    sql<boolean>`(select 1 from account_patients as mine where mine.account_id = ${idToBytes(accountId)}
      and mine.patient_id = ${patient} and (mine.ends_at is null or mine.ends_at > ${now()})) = 1`;

  async function find(query: AuditQuery, own: OwnAccount, ofAccount: string | undefined): Promise<FoundRow[]> {
    const { actorId, patientId, operation, subjectId, limit = DEFAULT_LIMIT, cursor } = query;
    const [last] = cursor === undefined ? [] : decodeCursor(cursor, ['number']);
    const rows = await database.read((db) => {
      let found = db
        .selectFrom('audit_entries')
        .selectAll('audit_entries')
        .limit(limit + 1);
      if (ofAccount !== undefined) found = found.where('account_id', '=', idToBytes(ofAccount));
      if (operation !== undefined) found = found.where('operation', '=', operation);
      if (operation !== undefined && subjectId !== undefined)
        found = found.where('subject_id', '=', idToBytes(subjectId));
      if (actorId !== undefined) found = found.where('actor_id', '=', idToBytes(actorId));
      if (patientId === undefined) {
        if (last !== undefined) found = found.where('position', '<', last);
        return found.orderBy('position', 'desc').execute();
      }
      const patient = idToBytes(patientId);
      let ofPatient = found
        .innerJoin('audit_patients', 'audit_patients.position', 'audit_entries.position')
        .where('audit_patients.patient_id', '=', patient);
      if (own !== undefined) ofPatient = ofPatient.where(actsFor(own, sql<Uint8Array>`${patient}`));
      if (last !== undefined) ofPatient = ofPatient.where('audit_patients.position', '<', last);
      return ofPatient.orderBy('audit_patients.position', 'desc').execute();
    });
    return withPatients(rows, own);
  }

  /** Adds the patients of each entry, of which an own account sees those that it acts for. */
  async function withPatients(rows: readonly AuditRow[], own: OwnAccount): Promise<FoundRow[]> {
    if (rows.length === 0) return [];
    const positions = rows.map(({ position }) => position);
    const links = await database.read((db) => {
      let query = db.selectFrom('audit_patients').selectAll().where('position', 'in', positions);
      if (own !== undefined) query = query.where(actsFor(own, sql<Uint8Array>`audit_patients.patient_id`));
      return query.orderBy('position').orderBy('patient_id').execute();
    });
    const byEntry = Map.groupBy(links, ({ position }) => position);
    return rows.map((row) => ({
      ...row,
      patientIds: (byEntry.get(row.position) ?? []).map(({ patient_id }) => idFromBytes(patient_id)),
    }));
  }

  return {
    appendIn: (tx, entry) => appendAllIn(tx, [entry]),
    appendAllIn,
    append: (entry) => database.write((tx) => appendAllIn(tx, [entry])),

    async search(query, own) {
      const { accountId, actorId, patientId, limit = DEFAULT_LIMIT } = query;
      const ofAccount = patientId === undefined ? (accountId ?? own) : accountId;
      if (own !== undefined && ofAccount !== undefined && ofAccount.toLowerCase() !== own) return { items: [] };
      // A filter by the id of a member of staff would confirm it.
      if (own !== undefined && actorId !== undefined && actorId.toLowerCase() !== own) return { items: [] };
      const rows = await find(query, own, ofAccount);
      return pageOf(
        rows,
        limit,
        ({ position }) => [position],
        (row) => toEntry(row, own),
      );
    },
  };
}
