/** Reads the configuration, chooses the adapters, listens. */
import { createBalancer, createServiceClient } from '@daybook/discovery';
import {
  databaseUrlOf,
  joinRegistry,
  listenOnOf,
  openServiceDatabase,
  runService,
  type StartService,
  serve,
  withServiceBus,
} from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import { readConfig } from './config.ts';
import { createDirectory } from './directory.ts';
import { changesOfPeople, mergesOfPatients } from './events.ts';
import { startMerges } from './merges.ts';
import { startRechecks } from './rechecks.ts';
import { sweepHolds } from './store/holds.ts';
import { createReservationSweep } from './store/old-reservations.ts';
import { createPatientMergeStore } from './store/patient-merges.ts';
import { createRecheckStore } from './store/rechecks.ts';
import type { AppointmentTables } from './store/tables.ts';

export { readConfig };

const PATIENTS = 'patient-service';
const DOCTORS = 'doctor-service';

export const start: StartService = async (process) => {
  const config = readConfig(process.environment);
  await using parts = new AsyncDisposableStack();
  const host = await withServiceBus(process, config.AMQP_URL, NAME, parts);
  const { logger, bus } = host;
  const url = databaseUrlOf(config, 'appointment');
  const database = await openServiceDatabase<AppointmentTables>(host, url, migrations, parts, (database) => [
    () => sweepHolds(database, host.clock),
    createReservationSweep(database, host.clock),
  ]);
  const registry = joinRegistry(host, config);
  const balancer = createBalancer(registry, { zone: config.DAYBOOK_ZONE });
  const clientOf = (serviceId: string) => {
    const client = createServiceClient({ serviceId, discovery: registry, balancer, logger });
    parts.defer(() => client.close());
    return client;
  };
  const directory = createDirectory(clientOf(PATIENTS), clientOf(DOCTORS));
  const rechecks = startRechecks(directory, createRecheckStore(database, host.clock), logger);
  parts.defer(() => rechecks.close());
  const changes = changesOfPeople(database, host.clock, logger, rechecks.wake);
  const subscription = await bus.subscribe(changes);
  parts.defer(() => subscription.close());
  const moving = startMerges(createPatientMergeStore(database, host.clock), logger);
  parts.defer(() => moving.close());
  const merges = mergesOfPatients(database, host.clock, logger, moving.wake);
  const mergeSubscription = await bus.subscribe(merges);
  parts.defer(() => mergeSubscription.close());
  const app = await buildApp({ logger, database, bus, directory, clock: host.clock, consumers: [changes, merges] });
  return serve({
    name: NAME,
    app,
    host,
    registry,
    listenOn: listenOnOf(config),
    asks: [PATIENTS, DOCTORS],
    parts: parts.move(),
  });
};

if (import.meta.main) await runService({ start, readConfig });
