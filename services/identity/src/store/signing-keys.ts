/** The keys that sign tokens: the current one, the next one, and retired ones whose tokens are still in use. */
import {
  generatePrivateJwk,
  isPrivateJwk,
  keyIdOf,
  type PrivateJwk,
  type SealingKey,
  seal,
  unseal,
} from '@daybook/access';
import type { Database } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { type KeyRing, keysDue, ringOf, type ScheduledKey } from '../domain/key-schedule.ts';
import type { IdentityTables, SigningKeyRow } from './tables.ts';

export interface StoredKey extends ScheduledKey {
  readonly keyId: string;
  readonly privateJwk: PrivateJwk;
}

/** The most keys that are read. Thirty days apart, there are three at a time. */
const MAX_KEYS = 16;

export interface SigningKeyStore {
  /**
   * Returns all keys, and makes those that are due.
   * @throws UnsealFailure when they were sealed with another key
   */
  load(): Promise<StoredKey[]>;
  /**
   * Replaces the current key by the next one, before its time. With `isCompromised` the current key is not even listed
   * any more, so its tokens end within minutes.
   */
  rotate(options: { isCompromised: boolean }): Promise<void>;
  /** Deletes keys that no token needs. Returns how many. */
  sweep(): Promise<number>;
}

/** @throws Error when the clock was set back to before the first key */
export function requireRing(keys: readonly StoredKey[], nowMillis: number): KeyRing<StoredKey> {
  const ring = ringOf(keys, nowMillis);
  if (!ring) throw new Error('no signing key may sign yet, because the clock was set back');
  return ring;
}

const contextOf = (keyId: string): string => `signing-key:${keyId}`;

export function createSigningKeyStore(
  database: Database<IdentityTables>,
  clock: Clock,
  sealingKey: SealingKey,
): SigningKeyStore {
  const now = () => clock().epochMilliseconds;

  function toStoredKey({ generation, key_id, sealed, signs_from }: SigningKeyRow): StoredKey {
    const privateJwk: unknown = JSON.parse(unseal(sealed, sealingKey, contextOf(key_id)).toString('utf8'));
    if (!isPrivateJwk(privateJwk)) throw new Error('a stored signing key is not a private JWK');
    return { generation, keyId: key_id, privateJwk, signsFrom: signs_from };
  }

  const readRows = (): Promise<SigningKeyRow[]> =>
    database.read((db) =>
      db.selectFrom('signing_keys').selectAll().orderBy('generation', 'desc').limit(MAX_KEYS).execute(),
    );

  async function newRow({ generation, signsFrom }: ScheduledKey, publishedAt: number): Promise<SigningKeyRow> {
    const jwk = await generatePrivateJwk();
    const key_id = await keyIdOf(jwk);
    const sealed = seal(Buffer.from(JSON.stringify(jwk)), sealingKey, contextOf(key_id));
    return { generation, key_id, sealed, published_at: publishedAt, signs_from: signsFrom };
  }

  /** Inserts keys. Another process may have been first, whose keys then count. */
  async function insert(due: readonly ScheduledKey[], at: number): Promise<void> {
    const rows = await Promise.all(due.map((key) => newRow(key, at)));
    try {
      await database.write((tx) => tx.insertInto('signing_keys').values(rows).execute());
    } catch (error) {
      if (!database.dialect.isUniqueViolation(error)) throw error;
    }
  }

  async function load(): Promise<StoredKey[]> {
    let rows = await readRows();
    const at = now();
    const known = rows.map(({ generation, signs_from }) => ({ generation, signsFrom: signs_from }));
    const due = keysDue(known, at);
    if (due.length > 0) {
      await insert(due, at);
      rows = await readRows();
    }
    return rows.map(toStoredKey);
  }

  const loadRing = async (): Promise<KeyRing<StoredKey>> => requireRing(await load(), now());

  return {
    load,

    async rotate({ isCompromised }) {
      const { current, next } = await loadRing();
      if (!next) throw new Error('there is no next signing key');
      await database.write(async (tx) => {
        await tx
          .updateTable('signing_keys')
          .set({ signs_from: now() })
          .where('generation', '=', next.generation)
          .where('signs_from', '>', now())
          .execute();
        if (isCompromised) await tx.deleteFrom('signing_keys').where('generation', '<=', current.generation).execute();
      });
    },

    async sweep() {
      const { dropped } = await loadRing();
      if (dropped.length === 0) return 0;
      const generations = dropped.map(({ generation }) => generation);
      await database.write((tx) => tx.deleteFrom('signing_keys').where('generation', 'in', generations).execute());
      return dropped.length;
    },
  };
}
