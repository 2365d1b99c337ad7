import {
  asSharedDatabase,
  type Database,
  DatabaseUnusable,
  type Migrations,
  openWhenAvailable,
  type Sweep,
  startHousekeeping,
} from '@daybook/database';
import { startRelay } from '@daybook/messaging';
import { errorFields } from '../observability/error-fields.ts';
import { EXIT } from './exit-codes.ts';
import type { HostProcess } from './host-process.ts';
import { StartFailure } from './start-failure.ts';

/**
 * Opens the database of a service, relays its outbox and sweeps its old rows. All of it closes with `resources`. Waits
 * for an unavailable server in the background, and health reports not ready until then.
 * @throws StartFailure 69 when the database cannot be used
 */
export async function openServiceDatabase<Tables>(
  host: HostProcess,
  url: string,
  migrations: Migrations,
  resources: AsyncDisposableStack,
  ownSweeps: (database: Database<Tables>) => readonly Sweep[] = () => [],
): Promise<Database<Tables>> {
  const database = await open<Tables>(url, migrations);
  resources.defer(() => database.close());
  const onFailure = (error: unknown) => host.logger.warn(errorFields(error), 'cleanup failed');
  const housekeeping = startHousekeeping(asSharedDatabase(database), onFailure, ownSweeps(database));
  resources.defer(() => housekeeping.close());
  if (host.relaysEvents) {
    const relay = startRelay(asSharedDatabase(database), host.bus, host.logger);
    resources.defer(() => relay.close());
  }
  return database;
}

async function open<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  try {
    return await openWhenAvailable<Tables>(url, migrations);
  } catch (error) {
    if (error instanceof DatabaseUnusable) throw new StartFailure(EXIT.unavailable, error.message, { cause: error });
    throw error;
  }
}
