/** Sign-ins that have a correct password and wait for a code. They live shortly, and never count as sessions. */
import { type Database, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { hashOfSecret, newSecret } from '../credentials/secrets.ts';
import { type Account, toAccount } from './accounts.ts';
import type { IdentityTables } from './tables.ts';

const LIVES_MILLIS = 10 * 60_000;
const TRIES = 5;
/** The most pending sign-ins of one account. A further one ends the others. */
const MAX_PENDING = 20;

export interface PendingSignInStore {
  /** Returns the id of a new pending sign-in, which is stored nowhere. */
  begin(accountId: string): Promise<string>;
  /** Returns the active account of a live pending sign-in. */
  find(id: string): Promise<Account | undefined>;
  /** Counts an attempt before its code is checked. Returns the account, or undefined if no attempt is left. */
  takeTry(id: string): Promise<Account | undefined>;
  /** Ends a pending sign-in. Returns true for one of several that do so simultaneously. */
  finish(id: string): Promise<boolean>;
}

export function createPendingSignInStore(database: Database<IdentityTables>, clock: Clock): PendingSignInStore {
  const now = () => clock().epochMilliseconds;

  async function find(id: string): Promise<Account | undefined> {
    const row = await database.read((db) =>
      db
        .selectFrom('pending_sign_ins')
        .innerJoin('accounts', 'accounts.id', 'pending_sign_ins.account_id')
        .selectAll('accounts')
        .where('id_hash', '=', hashOfSecret(id))
        .where('ends_at', '>', now())
        .where('tries_left', '>', 0)
        .where('accounts.status', '=', 'active')
        .executeTakeFirst(),
    );
    return row && toAccount(row);
  }

  return {
    find,

    async begin(accountId) {
      const id = newSecret();
      const account_id = idToBytes(accountId);
      await database.write(async (tx) => {
        const others = await tx
          .selectFrom('pending_sign_ins')
          .select('id_hash')
          .where('account_id', '=', account_id)
          .execute();
        if (others.length >= MAX_PENDING) {
          await tx.deleteFrom('pending_sign_ins').where('account_id', '=', account_id).execute();
        }
        const row = { id_hash: hashOfSecret(id), account_id, tries_left: TRIES, ends_at: now() + LIVES_MILLIS };
        await tx.insertInto('pending_sign_ins').values(row).execute();
      });
      return id;
    },

    async takeTry(id) {
      const { numUpdatedRows } = await database.write((tx) =>
        tx
          .updateTable('pending_sign_ins')
          .set((row) => ({ tries_left: row('tries_left', '-', 1) }))
          .where('id_hash', '=', hashOfSecret(id))
          .where('ends_at', '>', now())
          .where('tries_left', '>', 0)
          .executeTakeFirst(),
      );
      if (numUpdatedRows === 0n) return undefined;
      const row = await database.read((db) =>
        db
          .selectFrom('pending_sign_ins')
          .innerJoin('accounts', 'accounts.id', 'pending_sign_ins.account_id')
          .selectAll('accounts')
          .where('id_hash', '=', hashOfSecret(id))
          .where('accounts.status', '=', 'active')
          .executeTakeFirst(),
      );
      return row && toAccount(row);
    },

    async finish(id) {
      const { numDeletedRows } = await database.write((tx) =>
        tx.deleteFrom('pending_sign_ins').where('id_hash', '=', hashOfSecret(id)).executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },
  };
}
