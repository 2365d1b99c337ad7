/** The signing keys in memory. They are read again every minute, because another process may have made the next one. */
import { DatabaseUnavailable } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { KeyRing } from '../domain/key-schedule.ts';
import { requireRing, type SigningKeyStore, type StoredKey } from '../store/signing-keys.ts';

const READ_EVERY_MILLIS = 60_000;

export interface SigningRing {
  /**
   * Returns the keys at this time. While the database is away it returns those that it knows.
   * @throws DatabaseUnavailable when it knows none
   */
  read(): Promise<KeyRing<StoredKey>>;
  /** Reads the keys again at the next use. */
  forget(): void;
}

export function createSigningRing(store: Pick<SigningKeyStore, 'load'>, clock: Clock): SigningRing {
  const now = () => clock().epochMilliseconds;
  let keys: readonly StoredKey[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function readKeys(): Promise<void> {
    try {
      keys = await store.load();
      readAt = now();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || keys.length === 0) throw error;
    } finally {
      reading = undefined;
    }
  }

  return {
    async read() {
      // A clock that was set back counts as passed, too.
      if (Math.abs(now() - readAt) >= READ_EVERY_MILLIS) {
        reading ??= readKeys();
        await reading;
      }
      return requireRing(keys, now());
    },
    forget() {
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}
