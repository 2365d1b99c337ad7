/** Starts the gateway: reads the configuration and the routes, then listens. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBalancer } from '@daybook/discovery';
import {
  advertisedHostOf,
  joinRegistry,
  knownHostsOf,
  preferencesOf,
  publicUrlOf,
  readIdentityKey,
  readServiceKey,
  runService,
  type StartService,
  serve,
} from '@daybook/service';
import { buildApp } from './app.ts';
import { createGatewayAuthentication } from './authentication/authentication.ts';
import { IDENTITY_SERVICE } from './authentication/identity-calls.ts';
import { readConfig } from './config.ts';
import { createForwarding } from './http/forwarded.ts';
import { plugins } from './plugins.ts';
import { ROUTES_FILE, readRoutesText } from './routes/definition.ts';
import { watchRoutesFile } from './routes/file-watcher.ts';
import { createRouteStore } from './routes/route-store.ts';
import { readTls } from './tls.ts';

export { readConfig };

/** The last key set of identity, so that tokens can be verified after a restart while identity is away. */
const KEY_SET_FILE = 'gateway-key-set.jws';

export const start: StartService = async (host) => {
  const { logger } = host;
  const config = readConfig(host.environment);
  const forwarding = createForwarding(config.DAYBOOK_TRUSTED_PROXIES?.split(','));
  const routesFile = config.DAYBOOK_ROUTES === undefined ? fileURLToPath(ROUTES_FILE) : resolve(config.DAYBOOK_ROUTES);
  const routes = createRouteStore(await readRoutesText(routesFile), { plugins, forwarding });
  const tls = await readTls(config, host.clock);
  const registry = joinRegistry(host, config);
  const balancer = createBalancer(registry, { zone: config.DAYBOOK_ZONE });
  const authentication = await createGatewayAuthentication({
    logger,
    discovery: registry,
    balancer,
    publicUrl: publicUrlOf(config),
    rootKey: await readIdentityKey(config),
    serviceKey: await readServiceKey(config, 'gateway-service'),
    clock: host.clock,
    keySetFile: join(config.DAYBOOK_DATA, KEY_SET_FILE),
  });
  const app = await buildApp({
    logger,
    discovery: registry,
    balancer,
    routes,
    routesFile,
    forwarding,
    authentication,
    ...(tls && { tls }),
  });
  if (config.DAYBOOK_PUBLIC_URL !== undefined) knownHostsOf(app).addPublicUrl(config.DAYBOOK_PUBLIC_URL);
  await using resources = new AsyncDisposableStack();
  resources.use(watchRoutesFile({ file: routesFile, routes, logger }));
  return await serve({
    name: 'gateway-service',
    app,
    host,
    registry,
    listenOn: {
      host: config.DAYBOOK_HOST,
      port: config.DAYBOOK_PORT,
      variable: 'DAYBOOK_PORT',
      operationsPort: config.DAYBOOK_OPERATIONS_PORT,
      advertisedHost: advertisedHostOf(config),
      preferences: preferencesOf(config),
      secure: tls !== undefined,
    },
    // While identity is away, people who are signed in go on.
    dependsOn: routes.current.services.filter((service) => service !== IDENTITY_SERVICE),
    warmUp: { keys: authentication.authenticator.checkKeys },
    resources: resources.move(),
  });
};

if (import.meta.main) await runService({ start, readConfig });
