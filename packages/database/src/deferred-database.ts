/** A database that may not be there yet: usable from the start, and unavailable until it has been opened. */

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
  /** Resolves when it is open; rejects with what makes it unusable for good, or when it is closed before. */
  readonly opened: Promise<void>;
}

/**
 * Opens the database that `url` names. A file is there or is not: what is wrong with it is said at once. A server may come
 * later, or take long to bring to the newest schema: that is waited for in the background.
 * @throws DatabaseUnusable when it is a file that is broken, or of a newer Daybook than this
 */
export async function openWhenAvailable<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  const open = () => openDatabase<Tables>(url, migrations);
  if (!/^mysqls?:/.test(url)) return open();
  const { mysqlDialect } = await import('./mysql/dialect.ts');
  return deferDatabase(mysqlDialect, open);
}

/**
 * Opens a database as soon as that is possible. `open` is tried again while it throws DatabaseUnavailable, which is also
 * what every call gets until then.
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
  // Every call says it as well.
  opened.catch(() => undefined);

  function requireOpen(): Database<Tables> {
    if (!database) throw failure;
    return database;
  }

  /** Nobody's as long as there is no database. */
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
    check: async () => requireOpen().check(),
    async close() {
      closing.abort();
      // However it ended, what counts is whether there is something to close.
      await Promise.allSettled([opened]);
      await database?.close();
    },
  };
}
