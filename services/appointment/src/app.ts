/** Builds the appointment service from its dependencies. */
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
import type { ParticipantClient } from './domain/ports.ts';
import { SOURCE } from './events/published.ts';
import { addAppointmentActionRoutes } from './routes/appointment-actions.ts';
import { addAppointmentExport } from './routes/appointment-export.ts';
import { addAppointmentTypeRoutes } from './routes/appointment-types.ts';
import { addAppointmentRoutes } from './routes/appointments.ts';
import { addHoldRoutes } from './routes/holds.ts';
import { addSlotRoutes } from './routes/slots.ts';
import { createAppointmentExport } from './store/appointment-export.ts';
import { createAppointmentHistory } from './store/appointment-history.ts';
import { createAppointmentList } from './store/appointment-list.ts';
import { createAppointmentTypeStore } from './store/appointment-types.ts';
import { createAppointmentStore } from './store/appointments.ts';
import { createHoldStore } from './store/holds.ts';
import type { AppointmentTables } from './store/tables.ts';
import { createSeatReads } from './store/taken-seats.ts';

export const NAME = 'appointment-service';

export interface AppointmentDependencies {
  logger: Logger;
  authenticator: Authenticator;
  database: Database<AppointmentTables>;
  bus: Pick<Bus, 'check'>;
  participants: ParticipantClient;
  clock: Clock;
  consumers: readonly Consumer[];
}

/** Creates the dependencies of the domain, with the stores of the database. */
export const createBookingDependencies = ({
  database,
  participants,
  clock,
}: Pick<AppointmentDependencies, 'database' | 'participants' | 'clock'>) => ({
  participants,
  store: createAppointmentStore(database, clock),
  history: createAppointmentHistory(database),
  seats: createSeatReads(database, clock),
  holds: createHoldStore(database, clock),
  types: createAppointmentTypeStore(database, clock),
  clock,
});

export async function buildApp({
  logger,
  authenticator,
  database,
  bus,
  participants,
  clock,
  consumers,
}: AppointmentDependencies): Promise<App> {
  const app = await createServiceApp({
    name: NAME,
    logger,
    authenticator,
    auditor: createOutboxAuditor(database, SOURCE, clock),
    checks: { database: () => database.check() },
    tolerated: { bus: () => bus.check() },
  });
  const dependencies = createBookingDependencies({ database, participants, clock });
  addAppointmentTypeRoutes(app, dependencies.types, database);
  addSlotRoutes(app, dependencies);
  addHoldRoutes(app, dependencies, database);
  const list = createAppointmentList(database, clock);
  addAppointmentRoutes(app, dependencies, list, database);
  addAppointmentExport(app, createAppointmentExport(database, list));
  addAppointmentActionRoutes(app, dependencies, database);
  addParkedEventRoutes(app, database, consumers);
  return app;
}
