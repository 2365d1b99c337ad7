/** Builds the doctor service from its dependencies. */
import type { Database } from '@daybook/database';
import type { Bus } from '@daybook/messaging';
import {
  type App,
  type Authenticator,
  type Clock,
  createOutboxAuditor,
  createServiceApp,
  type Logger,
} from '@daybook/service';
import { SOURCE } from './events/published.ts';
import type { ClosureAnnouncer } from './jobs/closure-announcer.ts';
import { addAvailabilityRoutes } from './routes/availability.ts';
import { addClinicRoutes } from './routes/clinic.ts';
import { addClosureRoutes } from './routes/closures.ts';
import { addDoctorRoutes } from './routes/doctors.ts';
import { addExceptionRoutes } from './routes/exceptions.ts';
import { addScheduleRoutes } from './routes/schedules.ts';
import { createAvailabilityStore } from './store/availability.ts';
import { createClinicStore } from './store/clinic.ts';
import { createClosureStore } from './store/closures.ts';
import { createDoctorStore } from './store/doctors.ts';
import { createExceptionStore } from './store/exceptions.ts';
import { createScheduleStore } from './store/schedules.ts';
import type { DoctorTables } from './store/tables.ts';

export const NAME = 'doctor-service';

export interface DoctorDependencies {
  logger: Logger;
  authenticator: Authenticator;
  database: Database<DoctorTables>;
  bus: Pick<Bus, 'check'>;
  clock: Clock;
  /** Announces closures, which are due after each change. */
  announcer: Pick<ClosureAnnouncer, 'wake'>;
}

export async function buildApp({
  logger,
  authenticator,
  database,
  bus,
  clock,
  announcer,
}: DoctorDependencies): Promise<App> {
  const app = await createServiceApp({
    name: NAME,
    logger,
    authenticator,
    auditor: createOutboxAuditor(database, SOURCE, clock),
    checks: { database: () => database.check() },
    tolerated: { bus: () => bus.check() },
  });
  addDoctorRoutes(app, createDoctorStore(database, clock), database);
  addScheduleRoutes(app, createScheduleStore(database, clock));
  addExceptionRoutes(app, createExceptionStore(database, clock), database);
  addAvailabilityRoutes(app, createAvailabilityStore(database));
  addClinicRoutes(app, createClinicStore(database, clock));
  addClosureRoutes(app, createClosureStore(database, clock, announcer.wake), database);
  return app;
}
