/** Reads the configuration, chooses the adapters, listens. */
import { createBalancer } from '@daybook/discovery';
import {
  databaseUrlOf,
  joinIdentity,
  joinRegistry,
  listenOnOf,
  openServiceDatabase,
  runService,
  type StartService,
  serve,
  subscribeAll,
  withServiceBus,
} from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import { readConfig } from './config.ts';
import { appointmentMessagesConsumer } from './events/consumers.ts';
import type { NotificationTables } from './store/tables.ts';

export { readConfig };

export const start: StartService = async (hostProcess) => {
  const config = readConfig(hostProcess.environment);
  await using disposables = new AsyncDisposableStack();
  const host = await withServiceBus(hostProcess, config.AMQP_URL, NAME, disposables);
  const { logger, bus, clock } = host;
  const url = databaseUrlOf(config, 'notification');
  const database = await openServiceDatabase<NotificationTables>(host, url, migrations, disposables);
  const consumers = [appointmentMessagesConsumer(database, clock, logger)];
  await subscribeAll(bus, consumers, disposables);
  const registry = joinRegistry(host, config);
  const balancer = createBalancer(registry, { zone: config.DAYBOOK_ZONE });
  const options = { name: NAME, config, discovery: registry, balancer, logger };
  const { authenticator } = await joinIdentity(options, disposables);
  const app = await buildApp({ logger, authenticator, database, bus, clock, consumers });
  return serve({
    name: NAME,
    app,
    host,
    registry,
    listenOn: listenOnOf(config),
    warmUp: { keys: authenticator.checkKeys },
    resources: disposables.move(),
  });
};

if (import.meta.main) await runService({ start, readConfig });
