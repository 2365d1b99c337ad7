/** The public keys of passkeys. */

import { Refusal } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, instantFromMillis } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { hashOfSecret } from '../credentials/secrets.ts';
import { type IdentityTransaction, lockAccount, noAccount } from './accounts.ts';
import type { IdentityTables } from './tables.ts';

/** The most passkeys of one account. */
export const MAX_PASSKEYS = 20;

export interface Passkey {
  /** In base64url, as the browser names it. */
  readonly credentialId: string;
  readonly accountId: string;
  /** A COSE key in base64url. */
  readonly publicKey: string;
  readonly signCount: number;
  readonly label: string;
  readonly createdAt: Temporal.Instant;
  readonly lastUsedAt?: Temporal.Instant;
}

export type NewPasskey = Omit<Passkey, 'createdAt' | 'lastUsedAt'>;

export interface PasskeyStore {
  /** @throws Refusal `not-found`, `name-taken`, `invalid-request` when there are too many */
  add(passkey: NewPasskey): Promise<void>;
  addIn(tx: IdentityTransaction, passkey: NewPasskey): Promise<void>;
  /**
   * Notes that a challenge was used, inside the transaction of what it is for.
   * @throws Refusal `changed-meanwhile` when it was used before
   */
  useChallengeIn(tx: IdentityTransaction, challenge: string, livesMillis: number): Promise<void>;
  useIn(tx: IdentityTransaction, credentialId: string, signCount: number): Promise<boolean>;
  find(credentialId: string): Promise<Passkey | undefined>;
  list(accountId: string): Promise<Passkey[]>;
  /**
   * Notes a use. Returns false if the counter of the authenticator did not rise, as that of a copy, or if another use
   * was first. Authenticators without a counter always send 0.
   */
  use(credentialId: string, signCount: number): Promise<boolean>;
  remove(accountId: string, credentialId: string): Promise<boolean>;
}

export function createPasskeyStore(database: Database<IdentityTables>, clock: Clock): PasskeyStore {
  const now = () => clock().epochMilliseconds;

  async function addIn(tx: IdentityTransaction, passkey: NewPasskey): Promise<void> {
    const { credentialId, accountId, publicKey, signCount, label } = passkey;
    const account_id = idToBytes(accountId);
    if (!(await lockAccount(tx, database, account_id))) throw noAccount();
    const existing = await tx.selectFrom('passkeys').select('label').where('account_id', '=', account_id).execute();
    if (existing.length >= MAX_PASSKEYS) {
      throw new Refusal('invalid-request', `An account has at most ${MAX_PASSKEYS} passkeys.`);
    }
    const row = {
      credential_hash: hashOfSecret(credentialId),
      account_id,
      credential_id: credentialId,
      public_key: publicKey,
      sign_count: signCount,
      label,
      created_at: now(),
      last_used_at: null,
    };
    try {
      await tx.insertInto('passkeys').values(row).execute();
    } catch (error) {
      if (!database.dialect.isUniqueViolation(error)) throw error;
      throw new Refusal('name-taken', 'The passkey is registered already.');
    }
  }

  async function useIn(tx: IdentityTransaction, credentialId: string, signCount: number): Promise<boolean> {
    const { numUpdatedRows } = await tx
      .updateTable('passkeys')
      .set({ sign_count: signCount, last_used_at: now() })
      .where('credential_hash', '=', hashOfSecret(credentialId))
      .$if(signCount > 0, (query) => query.where('sign_count', '<', signCount))
      .$if(signCount === 0, (query) => query.where('sign_count', '=', 0))
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  return {
    addIn,
    useIn,
    add: (passkey) => database.write((tx) => addIn(tx, passkey)),

    async useChallengeIn(tx, challenge, livesMillis) {
      const row = { challenge_hash: hashOfSecret(challenge), ends_at: now() + livesMillis };
      try {
        await tx.insertInto('used_challenges').values(row).execute();
      } catch (error) {
        if (!database.dialect.isUniqueViolation(error)) throw error;
        throw new Refusal('changed-meanwhile', 'The response of the passkey was used before.');
      }
    },

    async find(credentialId) {
      const row = await database.read((db) =>
        db
          .selectFrom('passkeys')
          .selectAll()
          .where('credential_hash', '=', hashOfSecret(credentialId))
          .executeTakeFirst(),
      );
      return row && toPasskey(row);
    },

    async list(accountId) {
      const rows = await database.read((db) =>
        db
          .selectFrom('passkeys')
          .selectAll()
          .where('account_id', '=', idToBytes(accountId))
          .limit(MAX_PASSKEYS)
          .execute(),
      );
      return rows.map(toPasskey);
    },

    use: (credentialId, signCount) => database.write((tx) => useIn(tx, credentialId, signCount)),

    async remove(accountId, credentialId) {
      const { numDeletedRows } = await database.write((tx) =>
        tx
          .deleteFrom('passkeys')
          .where('credential_hash', '=', hashOfSecret(credentialId))
          .where('account_id', '=', idToBytes(accountId))
          .executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },
  };
}

const toPasskey = (row: IdentityTables['passkeys']): Passkey => ({
  credentialId: row.credential_id,
  accountId: idFromBytes(row.account_id),
  publicKey: row.public_key,
  signCount: row.sign_count,
  label: row.label,
  createdAt: instantFromMillis(row.created_at),
  ...(row.last_used_at !== null && { lastUsedAt: instantFromMillis(row.last_used_at) }),
});
