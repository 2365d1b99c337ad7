/** The registry, built out of what it is passed; no port is opened here. */
import { type App, createServiceApp, type Logger } from '@daybook/service';
import { createAwakeClock } from './awake-clock.ts';
import { createLeases, type Moment } from './domain/leases.ts';
import { eurekaRoutes } from './routes/apps.ts';

export interface RegistryOptions {
  logger: Logger;
  clock?: () => Moment;
}

const EVICTION_INTERVAL_MILLIS = 1_000;

function createClock(): () => Moment {
  const awake = createAwakeClock();
  return () => ({ epochMillis: Temporal.Now.instant().epochMilliseconds, awakeMillis: awake() });
}

export async function buildApp({ logger, clock = createClock() }: RegistryOptions): Promise<App> {
  const app = await createServiceApp({ name: 'registry-service', logger });
  const leases = createLeases();
  for (const prefix of ['/eureka', '/eureka/v2']) await app.register(eurekaRoutes, { prefix, leases, clock });

  const eviction = setInterval(() => {
    for (const { app: name, id } of leases.evictExpired(clock().awakeMillis)) {
      app.log.warn({ app: name, instanceId: id }, 'evicted an instance that did not renew its lease');
    }
  }, EVICTION_INTERVAL_MILLIS).unref();
  app.addHook('onClose', async () => clearInterval(eviction));
  return app;
}
