/** Reads the configuration, chooses the adapters, listens. */
import { createBalancer, createServiceClient } from '@daybook/discovery';
import {
  createAuthorizedClients,
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
import { createParticipantClient } from './clients/participant-client.ts';
import { readConfig } from './config.ts';
import { participantChangesConsumer, patientErasuresConsumer, patientMergesConsumer } from './events/consumers.ts';
import { createHoldSweep } from './jobs/hold-expiry.ts';
import { startPatientMergeWorker } from './jobs/patient-merge-worker.ts';
import { createReservationSweep } from './jobs/reservation-retention.ts';
import { startRevalidationWorker } from './jobs/revalidation-worker.ts';
import { WORKER_CALLER } from './jobs/worker.ts';
import { createPatientMergeStore } from './store/patient-merges.ts';
import { createRecentHoldSweep } from './store/recent-holds.ts';
import { createRevalidationStore } from './store/revalidation.ts';
import type { AppointmentTables } from './store/tables.ts';

export { readConfig };

const PATIENTS = 'patient-service';
const DOCTORS = 'doctor-service';

export const start: StartService = async (hostProcess) => {
  const config = readConfig(hostProcess.environment);
  await using disposables = new AsyncDisposableStack();
  const host = await withServiceBus(hostProcess, config.AMQP_URL, NAME, disposables);
  const { logger, bus, clock } = host;
  const url = databaseUrlOf(config, 'appointment');
  const database = await openServiceDatabase<AppointmentTables>(host, url, migrations, disposables, (database) => [
    createHoldSweep(database, clock),
    createRecentHoldSweep(database, clock),
    createReservationSweep(database, clock),
  ]);
  const registry = joinRegistry(host, config);
  const balancer = createBalancer(registry, { zone: config.DAYBOOK_ZONE });
  const clientOf = (serviceId: string) => {
    const client = createServiceClient({ serviceId, discovery: registry, balancer, logger });
    disposables.defer(() => client.close());
    return client;
  };
  const identity = await joinIdentity({ name: NAME, config, discovery: registry, balancer, logger }, disposables);
  const authorized = await createAuthorizedClients({
    name: NAME,
    config,
    identity: identity.client,
    operations: { [PATIENTS]: ['getPatientEligibility'], [DOCTORS]: ['getAvailability', 'findAvailability'] },
  });
  const participants = createParticipantClient(
    authorized.authorize(PATIENTS, clientOf(PATIENTS)),
    authorized.authorize(DOCTORS, clientOf(DOCTORS)),
  );
  const revalidation = startRevalidationWorker(participants, createRevalidationStore(database, clock), logger);
  disposables.defer(() => revalidation.close());
  const merges = startPatientMergeWorker(createPatientMergeStore(database, clock), logger);
  disposables.defer(() => merges.close());
  const consumers = [
    participantChangesConsumer(database, clock, logger, revalidation.wake),
    patientMergesConsumer(database, clock, logger, merges.wake),
    patientErasuresConsumer(database, clock, logger, WORKER_CALLER),
  ];
  await subscribeAll(bus, consumers, disposables);
  const app = await buildApp({
    logger,
    authenticator: identity.authenticator,
    database,
    bus,
    participants,
    clock,
    consumers,
  });
  return serve({
    name: NAME,
    app,
    host,
    registry,
    listenOn: listenOnOf(config),
    dependsOn: [PATIENTS, DOCTORS],
    warmUp: { keys: identity.authenticator.checkKeys, tokens: authorized.checkTokens },
    resources: disposables.move(),
  });
};

if (import.meta.main) await runService({ start, readConfig });
