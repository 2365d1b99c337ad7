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
import { careRelationshipsConsumer } from './events/consumers.ts';
import { sweepRelationships } from './store/care-relationships.ts';
import { sweepContactChanges } from './store/contact-changes.ts';
import type { PatientTables } from './store/tables.ts';

export { readConfig };

export const start: StartService = async (hostProcess) => {
  const config = readConfig(hostProcess.environment);
  await using disposables = new AsyncDisposableStack();
  const host = await withServiceBus(hostProcess, config.AMQP_URL, NAME, disposables);
  const { logger, bus, clock } = host;
  const url = databaseUrlOf(config, 'patient');
  const database = await openServiceDatabase<PatientTables>(host, url, migrations, disposables, (opened) => [
    () => sweepRelationships(opened, clock),
    () => sweepContactChanges(opened, clock),
  ]);
  const consumers = [careRelationshipsConsumer(database, logger)];
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
