/** The notification service, built out of what it is passed. */
import type { Database } from '@daybook/database';
import { type App, createServiceApp, type Logger } from '@daybook/service';
import { addNotificationRoutes } from './routes/notifications.ts';
import { createMessageStore } from './store/messages.ts';
import type { NotificationTables } from './store/tables.ts';

export const NAME = 'notification-service';

export interface NotificationParts {
  logger: Logger;
  database: Database<NotificationTables>;
}

export async function buildApp({ logger, database }: NotificationParts): Promise<App> {
  const app = await createServiceApp({ name: NAME, logger, checks: { database: () => database.check() } });
  addNotificationRoutes(app, createMessageStore(database));
  return app;
}
