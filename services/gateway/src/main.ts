/** Reads the configuration and the routes, listens. */
import { createBalancer } from '@daybook/discovery';
import { advertisedHostOf, joinRegistry, type StartService, serve } from '@daybook/service';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';
import { ROUTES_FILE, readRoutes } from './routes.ts';

export { readConfig };

export const start: StartService = async (host) => {
  const { logger } = host;
  const config = readConfig(host.environment);
  const routes = await readRoutes(ROUTES_FILE);
  const registry = joinRegistry(host, config.EUREKA_URL);
  const app = await buildApp({ logger, discovery: registry, balancer: createBalancer(registry), routes });
  return serve({
    name: 'gateway-service',
    app,
    host,
    registry,
    listenOn: {
      host: config.DAYBOOK_HOST,
      port: config.DAYBOOK_PORT,
      variable: 'DAYBOOK_PORT',
      advertisedHost: advertisedHostOf(config),
    },
    parts: new AsyncDisposableStack(),
  });
};
