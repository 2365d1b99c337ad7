/** The appointment service, built out of what it is passed. */
import type { Database } from '@daybook/database';
import type { Bus, Consumer } from '@daybook/messaging';
import { type App, addParkedEventRoutes, type Clock, createServiceApp, type Logger } from '@daybook/service';
import type { Directory } from './domain/ports.ts';
import { addAppointmentChangeRoutes } from './routes/appointment-changes.ts';
import { addAppointmentStepRoutes } from './routes/appointment-steps.ts';
import { addAppointmentTypeRoutes } from './routes/appointment-types.ts';
import { addAppointmentRoutes } from './routes/appointments.ts';
import { addHoldRoutes } from './routes/holds.ts';
import { addSlotRoutes } from './routes/slots.ts';
import { createAppointmentReads } from './store/appointment-reads.ts';
import { createAppointmentTypeStore } from './store/appointment-types.ts';
import { createAppointmentStore } from './store/appointments.ts';
import { createHoldStore } from './store/holds.ts';
import type { AppointmentTables } from './store/tables.ts';

export const NAME = 'appointment-service';

export interface AppointmentParts {
  logger: Logger;
  database: Database<AppointmentTables>;
  bus: Pick<Bus, 'check'>;
  directory: Directory;
  clock: Clock;
  consumers: readonly Consumer[];
}

export async function buildApp({ logger, database, bus, directory, clock, consumers }: AppointmentParts): Promise<App> {
  const app = await createServiceApp({
    name: NAME,
    logger,
    checks: { database: () => database.check() },
    tolerated: { bus: () => bus.check() },
  });
  const types = createAppointmentTypeStore(database, clock);
  const store = createAppointmentStore(database, clock);
  const parts = { directory, store, holds: createHoldStore(database, clock), types, clock };
  addAppointmentTypeRoutes(app, types, database);
  addSlotRoutes(app, parts);
  addHoldRoutes(app, parts, database);
  addAppointmentRoutes(app, parts, createAppointmentReads(database, clock), database);
  addAppointmentChangeRoutes(app, parts);
  addAppointmentStepRoutes(app, parts, database);
  addParkedEventRoutes(app, database, consumers);
  return app;
}
