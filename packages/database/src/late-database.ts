/** A database that may not be there yet: usable from the start, and unavailable until it has been opened. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import type { Migrations } from './migrations.ts';
import type { Turn } from './turn.ts';
import { DatabaseUnavailable } from './unavailable.ts';

const FIRST_PAUSE_MILLIS = 100;
const LONGEST_PAUSE_MILLIS = 2_000;

export interface LateDatabase<Tables> extends Database<Tables> {
  /** Resolves when it is open; rejects with what makes it unusable for good, or when it is closed before. */
  readonly opened: Promise<void>;
}

/**
 * Opens the database that `url` names. A file is there or is not: what is wrong with it is said at once. A server may come
 * later, or take long to bring to the newest schema: that is waited for in the background.
 * @throws DatabaseUnusable when it is a file that is broken, or of a newer Daybook than this
 */
export async function openWhenThere<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  const open = () => openDatabase<Tables>(url, migrations);
  if (!/^mysqls?:/.test(url)) return open();
  const { mysqlDialect } = await import('./mysql-dialect.ts');
  return openLate(mysqlDialect, open);
}

/**
 * Opens a database as soon as that is possible. `open` is tried again while it throws DatabaseUnavailable, which is also
 * what every call gets until then.
 */
export function openLate<Tables>(
  dialect: DatabaseDialect,
  open: () => Promise<Database<Tables>>,
): LateDatabase<Tables> {
  const closing = new AbortController();
  const listeners = new Set<() => void>();
  let failure: unknown = new DatabaseUnavailable(new Error('it is not open yet'));
  let database: Database<Tables> | undefined;

  async function openAtLast(): Promise<void> {
    for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS)) {
      closing.signal.throwIfAborted();
      try {
        database = await open();
        break;
      } catch (error) {
        failure = error;
        if (!(error instanceof DatabaseUnavailable)) throw error;
      }
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: closing.signal });
    }
    database.onEvents(() => {
      for (const listener of listeners) listener();
    });
  }
  const opened = openAtLast();
  // Every call says it as well.
  opened.catch(() => undefined);

  function there(): Database<Tables> {
    if (!database) throw failure;
    return database;
  }

  /** Nobody's as long as there is no database. */
  function turnAt(what: string): Turn {
    let turn: Turn | undefined;
    return {
      async take() {
        turn ??= database?.turnAt(what);
        return turn ? turn.take() : false;
      },
      close: async () => turn?.close(),
    };
  }

  return {
    dialect,
    opened,
    turnAt,
    read: async (query) => there().read(query),
    write: async (work) => there().write(work),
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    check: async () => there().check(),
    async close() {
      closing.abort();
      // However it ended, what counts is whether there is something to close.
      await Promise.allSettled([opened]);
      await database?.close();
    },
  };
}
