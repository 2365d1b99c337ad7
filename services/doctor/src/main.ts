/** Reads the configuration, chooses the adapters, listens. */
import {
  databaseUrlOf,
  joinRegistry,
  listenOnOf,
  openServiceDatabase,
  type StartService,
  serve,
} from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import { readConfig } from './config.ts';
import type { DoctorTables } from './store/tables.ts';

export { readConfig };

export const start: StartService = async (host) => {
  const config = readConfig(host.environment);
  await using parts = new AsyncDisposableStack();
  const url = databaseUrlOf(config, 'doctor');
  const database = await openServiceDatabase<DoctorTables>(host, url, migrations, parts);
  const app = await buildApp({ logger: host.logger, database, clock: host.clock });
  return serve({
    name: NAME,
    app,
    host,
    registry: joinRegistry(host, config.EUREKA_URL),
    listenOn: listenOnOf(config),
    parts: parts.move(),
  });
};
