/** Which accounts act for a patient, and how the patient ends that. */
import { DEFAULT_LIMIT, type PageOf, type RecordAccess, type RecordAccessQuery } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis } from '@daybook/database';
import { type Clock, decodeCursor, pageOf } from '@daybook/service';
import { type ExpressionBuilder, sql } from 'kysely';
import { type AuditActor, createAuditTrail } from './audit.ts';
import type { OwnAccount } from './own-account.ts';
import type { IdentityTables } from './tables.ts';

export interface RecordAccessStore {
  /** Lists the accounts that act for a patient. For an own account, only if it acts for the patient itself. */
  list(query: RecordAccessQuery, own: OwnAccount): Promise<PageOf<RecordAccess>>;
  /**
   * Ends a link. An own account ends its own links, and those of other accounts to the record of its person.
   * Returns false if there is no such link for the caller.
   */
  revoke(accountId: string, patientId: string, own: OwnAccount, actor: AuditActor): Promise<boolean>;
}

export function createRecordAccessStore(database: Database<IdentityTables>, clock: Clock): RecordAccessStore {
  const now = () => clock().epochMilliseconds;
  const audit = createAuditTrail(database, clock);

  /** Whether an account acts for a patient now, as a scalar subquery. `isSelf` also requires that it is the patient. */
  const actsFor = (accountId: string, patientId: string, isSelf: boolean) =>
    sql<boolean>`(select 1 from account_patients as mine where mine.account_id = ${idToBytes(accountId)}
      and mine.patient_id = ${idToBytes(patientId)} and (mine.ends_at is null or mine.ends_at > ${now()})
      ${isSelf ? sql`and mine.relation = 'self'` : sql``}) = 1`;

  const isLive = (row: ExpressionBuilder<IdentityTables, 'account_patients'>) =>
    row.or([row('account_patients.ends_at', 'is', null), row('account_patients.ends_at', '>', now())]);

  return {
    async list({ patientId, limit = DEFAULT_LIMIT, cursor }, own) {
      const [last] = cursor === undefined ? [] : decodeCursor(cursor, ['id']);
      const rows = await database.read((db) =>
        db
          .selectFrom('account_patients')
          .innerJoin('accounts', 'accounts.id', 'account_patients.account_id')
          .select(['account_id', 'relation', 'ends_at', 'account_patients.created_at', 'display_name'])
          .where('patient_id', '=', idToBytes(patientId))
          .where(isLive)
          .$if(own !== undefined, (query) => query.where(actsFor(own ?? '', patientId, false)))
          .$if(last !== undefined, (query) => query.where('account_id', '>', idToBytes(last ?? '')))
          .orderBy('account_id')
          .limit(limit + 1)
          .execute(),
      );
      return pageOf(
        rows,
        limit,
        ({ account_id }) => [idFromBytes(account_id)],
        ({ account_id, display_name, relation, ends_at, created_at }): RecordAccess => ({
          accountId: idFromBytes(account_id),
          displayName: display_name,
          relation,
          ...(ends_at !== null && { until: isoFromMillis(ends_at) }),
          since: isoFromMillis(created_at),
        }),
      );
    },

    async revoke(accountId, patientId, own, actor) {
      return database.write(async (tx) => {
        const found = await tx
          .selectFrom('account_patients')
          .select('created_at')
          .where('account_id', '=', idToBytes(accountId))
          .where('patient_id', '=', idToBytes(patientId))
          .where(isLive)
          .$if(own !== undefined && own !== accountId, (query) => query.where(actsFor(own ?? '', patientId, true)))
          .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
          .executeTakeFirst();
        if (!found) return false;
        await tx
          .deleteFrom('account_patients')
          .where('account_id', '=', idToBytes(accountId))
          .where('patient_id', '=', idToBytes(patientId))
          .execute();
        await audit.appendIn(tx, { action: 'patient-link-revoked', actor, accountId, patientIds: [patientId] });
        return true;
      });
    },
  };
}
