/**
 * A database that may not be available yet. It can be used from the start, and reports unavailability until it is open.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMillis } from '@daybook/async';
import type { AdvisoryLock } from './advisory-lock.ts';
import type { Database } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import { DatabaseUnavailable } from './errors.ts';
import type { Migrations } from './migrations.ts';
import { openDatabase } from './open-database.ts';

const RETRY = { firstMillis: 100, longestMillis: 2_000 };

export interface DeferredDatabase<Tables> extends Database<Tables> {
  /** Resolves when the database is open. Rejects when it is permanently unusable, or closed first. */
  readonly opened: Promise<void>;
}

/**
 * Opens the database that `url` names. Faults of a file are reported immediately. A server may start later or take long
 * to migrate, so it is opened in the background.
 * @throws DatabaseUnusable when the file is broken or belongs to a newer Daybook
 */
export async function openWhenAvailable<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  const open = () => openDatabase<Tables>(url, migrations);
  if (!/^mysqls?:/.test(url)) return open();
  const { mysqlDialect } = await import('./mysql/dialect.ts');
  return deferDatabase(mysqlDialect, open);
}

/**
 * Opens a database as soon as possible. `open` is repeated while it throws DatabaseUnavailable; every call gets that
 * error until then.
 */
export function deferDatabase<Tables>(
  dialect: DatabaseDialect,
  open: () => Promise<Database<Tables>>,
): DeferredDatabase<Tables> {
  const closing = new AbortController();
  const listeners = new Set<() => void>();
  let failure: unknown = new DatabaseUnavailable(new Error('it is not open yet'));
  let database: Database<Tables> | undefined;

  async function openWithRetries(): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      closing.signal.throwIfAborted();
      try {
        database = await open();
        break;
      } catch (error) {
        failure = error;
        if (!(error instanceof DatabaseUnavailable)) throw error;
      }
      await sleep(backoffMillis(failures, RETRY), undefined, { signal: closing.signal });
    }
    database.onEvents(() => {
      for (const listener of listeners) listener();
    });
  }
  const opened = openWithRetries();
  // Every call reports the failure, too.
  opened.catch(() => undefined);

  function requireOpen(): Database<Tables> {
    if (!database) throw failure;
    return database;
  }

  /** Returns a lock that cannot be acquired until the database is open. */
  function advisoryLock(name: string): AdvisoryLock {
    let lock: AdvisoryLock | undefined;
    return {
      async tryAcquire() {
        lock ??= database?.advisoryLock(name);
        return lock ? lock.tryAcquire() : false;
      },
      close: async () => lock?.close(),
    };
  }

  return {
    dialect,
    opened,
    advisoryLock,
    read: async (query) => requireOpen().read(query),
    write: async (work) => requireOpen().write(work),
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    purgeDeleted: async () => requireOpen().purgeDeleted(),
    check: async () => requireOpen().check(),
    async close() {
      closing.abort();
      // Whether opening succeeded does not matter: an open database must be closed.
      await Promise.allSettled([opened]);
      await database?.close();
    },
  };
}
