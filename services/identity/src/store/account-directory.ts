/** Accounts as administrators see and change them. */
import {
  type Account,
  type AccountPatch,
  type AccountQuery,
  DEFAULT_LIMIT,
  type PageOf,
  Refusal,
  searchConditions,
  toSearchKey,
  wordsOf,
} from '@daybook/contracts';
import {
  type Database,
  idFromBytes,
  idToBytes,
  isoFromMillis,
  planSearch,
  type SearchPlan,
  type WriteContext,
} from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { type RawBuilder, sql } from 'kysely';
import { changeFaultOf } from '../domain/account-changes.ts';
import { isForeignLoginKey } from '../domain/login-key.ts';
import { EMAIL_TERM, type IdentityTransaction, indexAccount, lockAccount, noAccount, TAKEN } from './accounts.ts';
import { createAuditTrail } from './audit.ts';
import type { AccountRow, IdentityTables } from './tables.ts';

export interface AccountDirectory {
  search(query: AccountQuery): Promise<PageOf<Account>>;
  /**
   * Changes an account. One that changes its role, or is disabled, loses its sessions immediately.
   * @param callerId the account of the administrator
   * @throws Refusal `not-found`, `precondition-failed`, `forbidden`, `last-administrator`, `wrong-status`, `name-taken`
   */
  change(callerId: string, id: string, patch: AccountPatch, write: WriteContext<Account>): Promise<Account>;
}

export const toAccountResource = (row: AccountRow): Account => ({
  id: idFromBytes(row.id),
  role: row.role,
  status: row.status,
  email: row.email,
  displayName: row.display_name,
  locale: row.locale,
  ...(row.doctor_id !== null && { doctorId: idFromBytes(row.doctor_id) }),
  version: row.version,
  createdAt: isoFromMillis(row.created_at),
  updatedAt: isoFromMillis(row.updated_at),
});

/** An `@` is in e-mail addresses only. */
const conditionsOf = (q: string) => (q.includes('@') ? [[EMAIL_TERM + toSearchKey(q)]] : searchConditions(wordsOf(q)));

/** Returns scalar subqueries, which the database checks for the few accounts that a search finds. */
function filtersOf({ role, status, patientId }: AccountQuery, now: number, id: string): RawBuilder<boolean>[] {
  const of = sql.ref(id);
  const hasRole = sql<boolean>`(select role from accounts as a where a.id = ${of}) = ${role}`;
  const hasStatus = sql<boolean>`(select status from accounts as a where a.id = ${of}) = ${status}`;
  const actsFor = sql<boolean>`(select 1 from account_patients where account_id = ${of}
    and patient_id = ${patientId === undefined ? null : idToBytes(patientId)}
    and (ends_at is null or ends_at > ${now})) = 1`;
  return [
    ...(role === undefined ? [] : [hasRole]),
    ...(status === undefined ? [] : [hasStatus]),
    ...(patientId === undefined ? [] : [actsFor]),
  ];
}

export function createAccountDirectory(database: Database<IdentityTables>, clock: Clock): AccountDirectory {
  const now = () => clock().epochMilliseconds;
  const audit = createAuditTrail(database, clock);

  /** Locks the active administrators, so that two of them do not remove each other simultaneously. */
  const lockAdministrators = (tx: IdentityTransaction): Promise<Pick<AccountRow, 'id'>[]> =>
    tx
      .selectFrom('accounts')
      .select('id')
      .where('role', '=', 'administrator')
      .where('status', '=', 'active')
      .orderBy('id')
      .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
      .execute();

  async function update(tx: IdentityTransaction, id: Uint8Array, row: AccountRow): Promise<void> {
    const { role, status, locale, display_name, doctor_id, version, updated_at } = row;
    try {
      await tx
        .updateTable('accounts')
        .set({ role, status, locale, display_name, doctor_id, version, updated_at })
        .where('id', '=', id)
        .execute();
    } catch (error) {
      if (!database.dialect.isUniqueViolation(error)) throw error;
      throw new Refusal('name-taken', TAKEN);
    }
  }

  async function endSessions(tx: IdentityTransaction, id: Uint8Array): Promise<void> {
    await tx.deleteFrom('sessions').where('account_id', '=', id).execute();
    await tx.deleteFrom('pending_sign_ins').where('account_id', '=', id).execute();
  }

  return {
    async search(query) {
      const { q, role, status, patientId, limit = DEFAULT_LIMIT, cursor } = query;
      const [last] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
      const after = last === undefined ? undefined : idToBytes(last);
      const atMost = limit + 1;
      const at = now();
      const rows = await database.read(async (db) => {
        let found = db.selectFrom('accounts').selectAll().orderBy('id').limit(atMost);
        if (q !== undefined) {
          const filters = (id: string) => filtersOf(query, at, id);
          const search = { id: 'accounts.id', conditions: conditionsOf(q), after, atMost, filters };
          const plan: SearchPlan | undefined = await planSearch(db, search);
          if (!plan) return [];
          if (plan.page) return found.where('id', 'in', plan.page).execute();
          for (const check of plan.checks) found = found.where(check);
        }
        if (patientId !== undefined) {
          const linked = db
            .selectFrom('account_patients')
            .select('account_id')
            .where('patient_id', '=', idToBytes(patientId))
            .where((row) => row.or([row('ends_at', 'is', null), row('ends_at', '>', at)]));
          found = found.where('id', 'in', linked);
        }
        if (after !== undefined) found = found.where('id', '>', after);
        if (role !== undefined) found = found.where('role', '=', role);
        if (status !== undefined) found = found.where('status', '=', status);
        return found.execute();
      });
      return pageOf(rows, limit, (row) => [idFromBytes(row.id)], toAccountResource);
    },

    async change(callerId, id, patch, write) {
      const key = idToBytes(id);
      return database.write(async (tx) => {
        const mayRemove = patch.role !== undefined || patch.status !== undefined;
        const administrators = mayRemove ? await lockAdministrators(tx) : [];
        const row = await lockAccount(tx, database, key);
        if (!row) throw noAccount();
        write.checkVersion(row.version);
        const role = patch.role ?? row.role;
        const doctorId = typeof patch.doctorId === 'string' ? idToBytes(patch.doctorId) : patch.doctorId;
        const changed: AccountRow = {
          ...row,
          role,
          status: patch.status ?? row.status,
          locale: patch.locale ?? row.locale,
          display_name: patch.displayName?.trim() ?? row.display_name,
          // An account that is no longer of a doctor loses the doctor, unless the request names one.
          doctor_id: role === 'doctor' && doctorId === undefined ? row.doctor_id : (doctorId ?? null),
          version: row.version + 1,
          updated_at: now(),
        };
        const otherAdministrators = administrators.filter((one) => Buffer.compare(one.id, key) !== 0).length;
        const isOwn = idFromBytes(key) === callerId;
        const isForeign = isForeignLoginKey(row.login_key);
        const fault = changeFaultOf(row, changed, { isOwn, isForeign, otherAdministrators });
        if (fault) throw fault;
        await update(tx, key, changed);
        const account = toAccountResource(changed);
        if (patch.displayName !== undefined) await indexAccount(tx, account);
        if (changed.role !== row.role || changed.status !== row.status) await endSessions(tx, key);
        await write.storeResponse(tx, account);
        await audit.appendIn(tx, {
          action: 'account-changed',
          actor: { id: callerId, role: 'administrator' },
          accountId: account.id,
          detail: Object.keys(patch).toSorted().join(' '),
        });
        return account;
      });
    },
  };
}
