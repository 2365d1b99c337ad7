import {
  type Database,
  DatabaseUnusable,
  type Migrations,
  openWhenThere,
  type Sweep,
  sharedView,
  startHousekeeping,
} from '@daybook/database';
import { startRelay } from '@daybook/messaging';
import type { HostProcess } from './host-process.ts';
import { EXIT, StartFailure } from './start-failure.ts';

/**
 * The database of a service, with its outbox relayed and its old rows swept; all of it closed with `parts`. A server
 * that is not there yet is waited for: until then the service answers that it is not ready.
 * @throws StartFailure 69 when the database cannot be used
 */
export async function openServiceDatabase<Tables>(
  host: HostProcess,
  url: string,
  migrations: Migrations,
  parts: AsyncDisposableStack,
  ownSweeps: (database: Database<Tables>) => readonly Sweep[] = () => [],
): Promise<Database<Tables>> {
  const database = await open<Tables>(url, migrations);
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

async function open<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  try {
    return await openWhenThere<Tables>(url, migrations);
  } catch (error) {
    if (error instanceof DatabaseUnusable) throw new StartFailure(EXIT.unavailable, error.message, { cause: error });
    throw error;
  }
}
