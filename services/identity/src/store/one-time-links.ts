/** One-time links: for the first administrator, for invited people, and for recovery. */
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { hashOfSecret, newSecret } from '../credentials/secrets.ts';
import type { IdentityTransaction } from './accounts.ts';
import type { IdentityTables, OneTimeLinkRow } from './tables.ts';

export const LINK_LIVES_MILLIS = 72 * 60 * 60_000;
const TRIES = 5;

export type LinkPurpose = OneTimeLinkRow['purpose'];

/** What a link is for. Only that of the first administrator has no account yet. */
export type LinkTarget =
  | { readonly purpose: 'first-administrator' }
  | { readonly purpose: 'invitation' | 'recovery'; readonly accountId: string };

export interface OneTimeLinkStore {
  /** Creates a link and ends an older one for the same. Returns its token, which is stored nowhere. */
  create(target: LinkTarget): Promise<string>;
  createIn(tx: IdentityTransaction, target: LinkTarget): Promise<string>;
  /** Returns whether a link for a target was created within this time. */
  wasCreatedWithin(target: LinkTarget, millis: number): Promise<boolean>;
  /** Returns whether there is a live link for a target. */
  exists(target: LinkTarget): Promise<boolean>;
  find(token: string): Promise<LinkTarget | undefined>;
  /** Counts a wrong entry. After five the link has ended. */
  countFailure(token: string): Promise<void>;
  /** Uses a link, inside the transaction of what it is for. Returns undefined if it has ended or was used. */
  useIn(tx: IdentityTransaction, token: string): Promise<LinkTarget | undefined>;
}

const accountIdOf = (target: LinkTarget): string | undefined => ('accountId' in target ? target.accountId : undefined);

const subjectOf = (target: LinkTarget): string => `${target.purpose}:${accountIdOf(target) ?? ''}`;

function toTarget({ purpose, account_id }: Pick<OneTimeLinkRow, 'purpose' | 'account_id'>): LinkTarget {
  if (purpose === 'first-administrator') return { purpose };
  if (account_id === null) throw new Error('a link has no account');
  return { purpose, accountId: idFromBytes(account_id) };
}

export function createOneTimeLinkStore(database: Database<IdentityTables>, clock: Clock): OneTimeLinkStore {
  const now = () => clock().epochMilliseconds;

  async function createIn(tx: IdentityTransaction, target: LinkTarget): Promise<string> {
    const token = newSecret();
    const accountId = accountIdOf(target);
    const row: OneTimeLinkRow = {
      token_hash: hashOfSecret(token),
      purpose: target.purpose,
      subject: subjectOf(target),
      account_id: accountId === undefined ? null : idToBytes(accountId),
      tries_left: TRIES,
      created_at: now(),
      ends_at: now() + LINK_LIVES_MILLIS,
    };
    await tx.deleteFrom('one_time_links').where('subject', '=', row.subject).execute();
    await tx.insertInto('one_time_links').values(row).execute();
    return token;
  }

  return {
    createIn,
    create: (target) => database.write((tx) => createIn(tx, target)),

    async wasCreatedWithin(target, millis) {
      const row = await database.read((db) =>
        db
          .selectFrom('one_time_links')
          .select('purpose')
          .where('subject', '=', subjectOf(target))
          .where('created_at', '>', now() - millis)
          .executeTakeFirst(),
      );
      return row !== undefined;
    },

    async exists(target) {
      const row = await database.read((db) =>
        db
          .selectFrom('one_time_links')
          .select('purpose')
          .where('subject', '=', subjectOf(target))
          .where('ends_at', '>', now())
          .where('tries_left', '>', 0)
          .executeTakeFirst(),
      );
      return row !== undefined;
    },

    async find(token) {
      const row = await database.read((db) =>
        db
          .selectFrom('one_time_links')
          .select(['purpose', 'account_id'])
          .where('token_hash', '=', hashOfSecret(token))
          .where('ends_at', '>', now())
          .where('tries_left', '>', 0)
          .executeTakeFirst(),
      );
      return row && toTarget(row);
    },

    async countFailure(token) {
      await database.write((tx) =>
        tx
          .updateTable('one_time_links')
          .set((row) => ({ tries_left: row('tries_left', '-', 1) }))
          .where('token_hash', '=', hashOfSecret(token))
          .where('tries_left', '>', 0)
          .execute(),
      );
    },

    async useIn(tx, token) {
      const token_hash = hashOfSecret(token);
      const row = await tx
        .selectFrom('one_time_links')
        .select(['purpose', 'account_id'])
        .where('token_hash', '=', token_hash)
        .where('ends_at', '>', now())
        .where('tries_left', '>', 0)
        .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
        .executeTakeFirst();
      if (!row) return undefined;
      await tx.deleteFrom('one_time_links').where('token_hash', '=', token_hash).execute();
      return toTarget(row);
    },
  };
}
