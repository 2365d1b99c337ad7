/** Builds the notification service from its dependencies. */
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
import { addNotificationRoutes } from './routes/notifications.ts';
import { createMessageStore } from './store/messages.ts';
import type { NotificationTables } from './store/tables.ts';

export const NAME = 'notification-service';

const SOURCE = '/services/notification';

export interface NotificationDependencies {
  logger: Logger;
  authenticator: Authenticator;
  database: Database<NotificationTables>;
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
}: NotificationDependencies): Promise<App> {
  const app = await createServiceApp({
    name: NAME,
    logger,
    authenticator,
    auditor: createOutboxAuditor(database, SOURCE, clock),
    checks: { database: () => database.check() },
    tolerated: { bus: () => bus.check() },
  });
  addNotificationRoutes(app, createMessageStore(database));
  addParkedEventRoutes(app, database, consumers);
  return app;
}
