/**
 * Starts the registry: reads the configuration, fetches the list of a peer, then listens. The registry does not
 * register itself.
 */
import {
  drain,
  InvalidConfiguration,
  knownHostsOf,
  listen,
  listenForOperators,
  listenOnOf,
  parseRegistryUsers,
  runService,
  type StartService,
} from '@daybook/service';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';
import { isOwnUrl } from './peers/peers.ts';

export { readConfig };

export const start: StartService = async ({ environment, logger }) => {
  const config = readConfig(environment);
  if (config.DAYBOOK_REGISTRY_USERS === undefined) {
    throw new InvalidConfiguration(['DAYBOOK_REGISTRY_USERS is needed by a registry that runs alone']);
  }
  const listenOn = listenOnOf(config);
  const { host, port, variable, advertisedHost } = listenOn;
  const peerUrls = config.DAYBOOK_REGISTRY_PEERS?.split(',') ?? [];
  const app = await buildApp({
    logger,
    users: parseRegistryUsers(config.DAYBOOK_REGISTRY_USERS),
    peerUrls: peerUrls.filter((url) => !isOwnUrl(url, [host, advertisedHost], port)),
    selfPreservation: config.DAYBOOK_REGISTRY_SELF_PRESERVATION === 'on',
    evictionSeconds: config.DAYBOOK_REGISTRY_EVICTION_SECONDS,
    delta: config.DAYBOOK_REGISTRY_DELTA === 'on',
  });
  knownHostsOf(app).add(advertisedHost);
  const url = await listen(app, host, port, variable);
  await using resources = new AsyncDisposableStack();
  resources.defer(() => drain(app, logger));
  await listenForOperators(app, listenOn, resources);
  const running = resources.move();
  return { name: 'registry-service', url, ready: Promise.resolve(), close: () => running.disposeAsync() };
};

if (import.meta.main) await runService({ start, readConfig });
