/** Reads the configuration, chooses the adapters, listens. */
import {
  databaseUrlOf,
  joinRegistry,
  openServiceDatabase,
  type StartService,
  serve,
  systemClock,
} from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import { readConfig } from './config.ts';
import { messagesOfAppointments } from './events.ts';
import type { NotificationTables } from './store/tables.ts';

export const start: StartService = async (host) => {
  const { logger } = host;
  const config = readConfig(host.environment);
  await using parts = new AsyncDisposableStack();
  const url = databaseUrlOf(config, 'notification');
  const database = await openServiceDatabase<NotificationTables>(host, url, migrations, parts);
  await host.bus.subscribe(messagesOfAppointments(database, systemClock, logger));
  const app = await buildApp({ logger, database });
  return serve({
    name: NAME,
    app,
    host,
    registry: joinRegistry(host, config.EUREKA_URL),
    listenOn: { host: config.DAYBOOK_HOST, port: config.DAYBOOK_SERVICE_PORT, variable: 'DAYBOOK_SERVICE_PORT' },
    parts: parts.move(),
  });
};
