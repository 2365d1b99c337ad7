/** Builds the patient service from its dependencies. */
import type { Database } from '@daybook/database';
import type { Bus, Consumer } from '@daybook/messaging';
import {
  type App,
  type Authenticator,
  addParkedEventRoutes,
  type Clock,
  createOutboxAuditor,
  createServiceApp,
  type Logger,
} from '@daybook/service';
import { SOURCE } from './events/published.ts';
import { addContactRoutes } from './routes/contacts.ts';
import { addEmergencyAccessRoute } from './routes/emergency-access.ts';
import { addErasureRoutes } from './routes/erasures.ts';
import { addMergeRoutes } from './routes/merges.ts';
import { addPatientRoutes } from './routes/patients.ts';
import { createContactStore } from './store/contact-changes.ts';
import { createEmergencyAccessStore } from './store/emergency-access.ts';
import { createErasureStore } from './store/erasures.ts';
import { createMergeStore } from './store/merges.ts';
import { createPatientExportStore } from './store/patient-export.ts';
import { createPatientStore } from './store/patients.ts';
import type { PatientTables } from './store/tables.ts';

export const NAME = 'patient-service';

export interface PatientDependencies {
  logger: Logger;
  authenticator: Authenticator;
  database: Database<PatientTables>;
  bus: Pick<Bus, 'check'>;
  clock: Clock;
  consumers: readonly Consumer[];
}

export async function buildApp({
  logger,
  authenticator,
  database,
  bus,
  clock,
  consumers,
}: PatientDependencies): Promise<App> {
  const app = await createServiceApp({
    name: NAME,
    logger,
    authenticator,
    auditor: createOutboxAuditor(database, SOURCE, clock),
    checks: { database: () => database.check() },
    tolerated: { bus: () => bus.check() },
  });
  addPatientRoutes(app, createPatientStore(database, clock), database);
  addMergeRoutes(app, createMergeStore(database, clock), database);
  addEmergencyAccessRoute(app, createEmergencyAccessStore(database, clock), database);
  const erasures = { ...createErasureStore(database, clock), ...createPatientExportStore(database, clock) };
  addErasureRoutes(app, erasures, database);
  addContactRoutes(app, createContactStore(database, clock));
  addParkedEventRoutes(app, database, consumers);
  return app;
}
