/** Builds the registry from its dependencies. Does not open a port. */
import {
  type App,
  createServiceApp,
  type Logger,
  PEER_USER,
  type RegistryUsers,
  withRegistryUser,
} from '@daybook/service';
import { createAccess } from './access.ts';
import { createAwakeClock } from './awake-clock.ts';
import type { Moment } from './domain/lease.ts';
import { createLeases } from './domain/leases.ts';
import { entryOf } from './domain/replication.ts';
import { createPeers, type Peers } from './peers/peers.ts';
import { createRegistry, type Registry } from './registry.ts';
import { eurekaRoutes } from './routes/apps.ts';
import { addPage } from './routes/page.ts';
import { createChangeStream } from './routes/stream.ts';

export interface RegistryAppOptions {
  logger: Logger;
  /** The users that may write. */
  users: RegistryUsers;
  clock?: () => Moment;
  /** Base URLs of other registries, such as `http://127.0.0.1:8762/eureka`. */
  peerUrls?: readonly string[];
  peerRetryMillis?: number;
  selfPreservation?: boolean;
  evictionSeconds?: number;
  delta?: boolean;
}

function createClock(): () => Moment {
  const awake = createAwakeClock();
  return () => ({ epochMillis: Temporal.Now.instant().epochMilliseconds, awakeMillis: awake() });
}

/** Builds the app, with the list of a peer if one responds. */
export async function buildApp(options: RegistryAppOptions): Promise<App> {
  const { logger, users, clock = createClock(), peerUrls = [], selfPreservation = false, delta = true } = options;
  const app = await createServiceApp({ name: 'registry-service', logger, compression: false });
  const stream = createChangeStream(() => leases);
  const leases = createLeases({ selfPreservation, onChange: stream.publish });
  const peers = createPeers({
    // Peers usually have the same users. The URL of a peer with other users contains its password.
    urls: peerUrls.map((url) => withRegistryUser(url, PEER_USER, users)),
    logger,
    entryOf: (change) => entryOf(change, leases),
    registerNewer: (instance) => registry.register(instance, 'peer'),
    ...(options.peerRetryMillis !== undefined && { firstRetryMillis: options.peerRetryMillis }),
  });
  const registry = createRegistry({ leases, clock, replicateToPeers: peers.replicate });

  const access = createAccess(users);
  for (const prefix of ['/eureka', '/eureka/v2']) await app.register(eurekaRoutes, { prefix, registry, access, delta });
  await app.register(stream.routes);
  await addPage(app, registry);
  addEviction(app, registry, options.evictionSeconds ?? 1);
  await fetchInitialList(peers, registry, logger);
  app.addHook('onClose', () => peers.close());
  return app;
}

async function fetchInitialList(peers: Peers, registry: Registry, logger: Logger): Promise<void> {
  const outcomes = (await peers.fetchList()).map((instance) => registry.register(instance, 'peer'));
  const skipped = outcomes.filter((outcome) => outcome !== 'registered').length;
  if (skipped > 0)
    logger.warn({ instances: skipped }, 'peer instances skipped: timestamp in the future, or registry full');
}

/** The clock ignores the time in which it is not read. Thus it is read every second, however rare evictions are. */
const TICK_MILLIS = 1_000;

function addEviction(app: App, registry: Registry, everySeconds: number): void {
  let seconds = 0;
  const timer = setInterval(() => {
    registry.now();
    seconds += 1;
    if (seconds < everySeconds) return;
    seconds = 0;
    for (const { app: name, id } of registry.evictExpired()) {
      app.log.warn({ app: name, instanceId: id }, 'instance evicted: lease not renewed');
    }
  }, TICK_MILLIS).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}
