/** Passwords, TOTP secrets and recovery codes. A code that was used once is never accepted again. */
import { type SealingKey, seal, unseal } from '@daybook/access';
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { hashOfSecret, newRecoveryCode } from '../credentials/secrets.ts';
import type { IdentityTransaction } from './accounts.ts';
import type { IdentityTables } from './tables.ts';

const RECOVERY_CODES = 10;

/** The credentials of a person who sets up an account. */
export interface NewCredentials {
  /** In the PHC string format. Undefined for a person with a passkey alone. */
  readonly passwordHash?: string;
  readonly totp?: {
    readonly secret: Uint8Array;
    /** The time step of the code that proved that the person has the secret. That code is used now. */
    readonly usedStep: number;
  };
}

export interface CredentialStore {
  /** Replaces all credentials of an account. Returns new recovery codes, if there is a second factor. */
  replaceAll(tx: IdentityTransaction, accountId: string, credentials: NewCredentials): Promise<string[]>;
  /** Replaces the hash of a password, inside the transaction that ends other sessions. */
  setPasswordHashIn(tx: IdentityTransaction, accountId: string, hash: string): Promise<void>;
  findPasswordHash(accountId: string): Promise<string | undefined>;
  findTotpSecret(accountId: string): Promise<Uint8Array | undefined>;
  /** Accepts a TOTP code by its time step. Returns false for a step that is not later than the last accepted one. */
  useTotpStep(accountId: string, step: number): Promise<boolean>;
  /** Accepts a recovery code. Returns false for one that was used. */
  useRecoveryCode(accountId: string, code: string): Promise<boolean>;
  countRecoveryCodes(accountId: string): Promise<number>;
}

const contextOf = (accountId: Uint8Array): string => `totp:${idFromBytes(accountId)}`;

export function createCredentialStore(
  database: Database<IdentityTables>,
  clock: Clock,
  sealingKey: SealingKey,
): CredentialStore {
  const now = () => clock().epochMilliseconds;

  async function deleteAll(tx: IdentityTransaction, account_id: Uint8Array): Promise<void> {
    for (const table of ['passwords', 'totp_secrets', 'recovery_codes', 'passkeys'] as const) {
      await tx.deleteFrom(table).where('account_id', '=', account_id).execute();
    }
  }

  async function insertRecoveryCodes(tx: IdentityTransaction, account_id: Uint8Array): Promise<string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    await tx
      .insertInto('recovery_codes')
      .values(codes.map((code) => ({ account_id, code_hash: hashOfSecret(code) })))
      .execute();
    return codes;
  }

  return {
    async replaceAll(tx, accountId, { passwordHash, totp }) {
      const account_id = idToBytes(accountId);
      await deleteAll(tx, account_id);
      if (passwordHash !== undefined) {
        await tx.insertInto('passwords').values({ account_id, hash: passwordHash, changed_at: now() }).execute();
      }
      if (!totp) return [];
      const sealed = seal(totp.secret, sealingKey, contextOf(account_id));
      await tx
        .insertInto('totp_secrets')
        .values({ account_id, sealed, last_step: totp.usedStep, created_at: now() })
        .execute();
      return insertRecoveryCodes(tx, account_id);
    },

    async setPasswordHashIn(tx, accountId, hash) {
      await tx
        .updateTable('passwords')
        .set({ hash, changed_at: now() })
        .where('account_id', '=', idToBytes(accountId))
        .execute();
    },

    async findPasswordHash(accountId) {
      const row = await database.read((db) =>
        db.selectFrom('passwords').select('hash').where('account_id', '=', idToBytes(accountId)).executeTakeFirst(),
      );
      return row?.hash;
    },

    async findTotpSecret(accountId) {
      const account_id = idToBytes(accountId);
      const row = await database.read((db) =>
        db.selectFrom('totp_secrets').select('sealed').where('account_id', '=', account_id).executeTakeFirst(),
      );
      return row && unseal(row.sealed, sealingKey, contextOf(account_id));
    },

    async useTotpStep(accountId, step) {
      const { numUpdatedRows } = await database.write((tx) =>
        tx
          .updateTable('totp_secrets')
          .set({ last_step: step })
          .where('account_id', '=', idToBytes(accountId))
          .where('last_step', '<', step)
          .executeTakeFirst(),
      );
      return numUpdatedRows > 0n;
    },

    async useRecoveryCode(accountId, code) {
      const { numDeletedRows } = await database.write((tx) =>
        tx
          .deleteFrom('recovery_codes')
          .where('account_id', '=', idToBytes(accountId))
          .where('code_hash', '=', hashOfSecret(code))
          .executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },

    async countRecoveryCodes(accountId) {
      const rows = await database.read((db) =>
        db
          .selectFrom('recovery_codes')
          .select('code_hash')
          .where('account_id', '=', idToBytes(accountId))
          .limit(RECOVERY_CODES)
          .execute(),
      );
      return rows.length;
    },
  };
}
