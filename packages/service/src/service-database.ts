import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Database,
  DatabaseUnavailable,
  DatabaseUnusable,
  type Migrations,
  openDatabase,
  type Sweep,
  sharedView,
  startHousekeeping,
} from '@daybook/database';
import { startRelay } from '@daybook/messaging';
import type { HostProcess } from './host-process.ts';
import { EXIT, StartFailure } from './start-failure.ts';

/**
 * The database of a service, with its outbox relayed and its old rows swept; all of it closed with `parts`. Waits for a
 * server that does not answer yet.
 * @throws StartFailure 69 when the database cannot be used
 */
export async function openServiceDatabase<Tables>(
  host: HostProcess,
  url: string,
  migrations: Migrations,
  parts: AsyncDisposableStack,
  ownSweeps: (database: Database<Tables>) => readonly Sweep[] = () => [],
): Promise<Database<Tables>> {
  const database = await openWhenThere<Tables>(host, url, migrations);
  parts.defer(() => database.close());
  const onFailure = (error: unknown) => host.logger.warn({ err: error }, 'old rows stay for now');
  const housekeeping = startHousekeeping(sharedView(database), onFailure, ownSweeps(database));
  parts.defer(() => housekeeping.close());
  if (host.relaysEvents) {
    const relay = startRelay(sharedView(database), host.bus, host.logger);
    parts.defer(() => relay.close());
  }
  return database;
}

const FIRST_PAUSE_MILLIS = 250;
const LONGEST_PAUSE_MILLIS = 5000;

/** Without an end: the order in which parts are started does not matter. Says so once. */
async function openWhenThere<Tables>(
  { logger }: HostProcess,
  url: string,
  migrations: Migrations,
): Promise<Database<Tables>> {
  for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MILLIS)) {
    try {
      return await openDatabase<Tables>(url, migrations);
    } catch (error) {
      if (error instanceof DatabaseUnusable) throw new StartFailure(EXIT.unavailable, error.message, { cause: error });
      if (!(error instanceof DatabaseUnavailable)) throw error;
      const { host, pathname } = new URL(url);
      if (pause === FIRST_PAUSE_MILLIS) {
        logger.warn({ reason: error.reason, database: `${host}${pathname}` }, 'waiting for the database');
      }
      await sleep(pause * (0.5 + Math.random() / 2));
    }
  }
}
