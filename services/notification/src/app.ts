/** Builds the notification service from its dependencies. */
import type { Database } from '@daybook/database';
import type { Bus, Consumer } from '@daybook/messaging';
import { type App, type Authenticator, addParkedEventRoutes, createServiceApp, type Logger } from '@daybook/service';
import { addNotificationRoutes } from './routes/notifications.ts';
import { createMessageStore } from './store/messages.ts';
import type { NotificationTables } from './store/tables.ts';

export const NAME = 'notification-service';

export interface NotificationDependencies {
  logger: Logger;
  authenticator: Authenticator;
  database: Database<NotificationTables>;
  bus: Pick<Bus, 'check'>;
  consumers: readonly Consumer[];
}

export async function buildApp({
  logger,
  authenticator,
  database,
  bus,
  consumers,
}: NotificationDependencies): Promise<App> {
  const app = await createServiceApp({
    name: NAME,
    logger,
    authenticator,
    checks: { database: () => database.check() },
    tolerated: { bus: () => bus.check() },
  });
  addNotificationRoutes(app, createMessageStore(database));
  addParkedEventRoutes(app, database, consumers);
  return app;
}
