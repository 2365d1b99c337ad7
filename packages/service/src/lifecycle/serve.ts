/** Turns an application into a running service, and closes it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createEurekaClient, type EurekaClient, type LocalInstance } from '@daybook/discovery';
import type { ListenOn } from '../config/common-variables.ts';
import { InvalidConfiguration } from '../config/read-configuration.ts';
import type { App } from '../http/app-type.ts';
import { knownHostsOf } from '../http/known-hosts.ts';
import { openOperationsPort } from '../http/operations.ts';
import { type HealthCheck, readinessIndicatorsOf } from '../observability/health.ts';
import type { Logger } from '../observability/logger.ts';
import { VERSION } from '../version.ts';
import { type Dependency, waitForDependency } from './dependencies.ts';
import { startDraining } from './draining.ts';
import { EXIT } from './exit-codes.ts';
import type { HostProcess, RunningService } from './host-process.ts';
import { StartFailure } from './start-failure.ts';

/** Requests that run longer are cut off. */
const DRAIN_DEADLINE_MILLIS = 10_000;
const CLOSE_IDLE_MILLIS = 50;

/** The registry settings of a service. */
export interface RegistryConfig {
  readonly EUREKA_URL?: string;
  readonly DAYBOOK_DIAL_NETWORKS?: string;
}

/**
 * Creates the service's client of the registry, for discovery and its own registration.
 * @throws InvalidConfiguration when no registry is configured
 */
export function joinRegistry(host: HostProcess, config: RegistryConfig): EurekaClient {
  const servers = config.EUREKA_URL?.split(',') ?? [...host.registryUrls];
  if (servers.length === 0) throw new InvalidConfiguration(['EUREKA_URL is needed by a service that runs alone']);
  return createEurekaClient({
    servers,
    logger: host.logger,
    fetchIntervalMillis: host.fetchIntervalMillis,
    renewalIntervalMillis: RENEWAL_INTERVAL_MILLIS,
    dialNetworks: config.DAYBOOK_DIAL_NETWORKS?.split(','),
  });
}
const RENEWAL_INTERVAL_MILLIS = 10_000;

/** @throws StartFailure 69 when the port is not available */
export async function listen(app: App, host: string, port: number, variable: string): Promise<string> {
  knownHostsOf(app).add(host);
  try {
    return await app.listen({ host, port });
  } catch (error) {
    throw listenFailure(error, host, port, variable);
  }
}

/**
 * Opens the operations port, if one is configured; it closes with `resources`.
 * @throws StartFailure 69 when the port is not available
 */
export async function listenForOperators(
  app: App,
  { host, operationsPort: port }: Pick<ListenOn, 'host' | 'operationsPort'>,
  resources: AsyncDisposableStack,
): Promise<void> {
  if (port === undefined) return;
  try {
    const { url, close } = await openOperationsPort(app, host, port);
    resources.defer(close);
    app.log.info({ url }, 'operations port opened');
  } catch (error) {
    throw listenFailure(error, host, port, 'DAYBOOK_OPERATIONS_PORT');
  }
}

function listenFailure(error: unknown, host: string, port: number, variable: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new StartFailure(EXIT.unavailable, `Port ${port} is taken. Stop what uses it, or set ${variable}.`, {
      cause: error,
    });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
    return new StartFailure(EXIT.unavailable, `Cannot listen on ${host}, port ${port} (${code}).`, { cause: error });
  }
  return error;
}

/** Waits for running requests, up to a deadline. */
export async function drain(app: App, logger: Logger, deadlineMillis = DRAIN_DEADLINE_MILLIS): Promise<void> {
  // A connection that is busy now becomes idle after its request, and Node would then keep it open.
  const closeIdle = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_MILLIS);
  const forceClose = setTimeout(() => {
    logger.warn('unfinished requests cut off');
    app.server.closeAllConnections();
  }, deadlineMillis);
  try {
    await app.close();
  } finally {
    clearTimeout(forceClose);
    clearInterval(closeIdle);
  }
}

export interface ServeOptions {
  name: string;
  app: App;
  host: HostProcess;
  registry: EurekaClient;
  listenOn: ListenOn;
  /** The services that it calls. It is not ready before each of them has been available. */
  dependsOn?: readonly string[];
  /** What its first requests would wait for, where the host warms up. A failure delays the service, and does not stop it. */
  warmUp?: Readonly<Record<string, HealthCheck>>;
  /** The resources of the service; closed last, in reverse order. */
  resources: AsyncDisposableStack;
}

/** Listens, and registers when all dependencies work: see `ready` of the result. */
export async function serve(options: ServeOptions): Promise<RunningService> {
  const { name, app, host, registry, listenOn } = options;
  await using starting = options.resources;
  starting.defer(() => drain(app, host.logger));
  knownHostsOf(app).add(listenOn.advertisedHost);
  // Does not call addPublicUrl, so the check stays limited to loopback. In a network of containers, others use
  // different names for this service.
  if (listenOn.publicUrl !== undefined) knownHostsOf(app).add(new URL(listenOn.publicUrl).hostname);
  const startup = trackDependencies(options);
  const listening = await listen(app, listenOn.host, listenOn.port, listenOn.variable);
  await listenForOperators(app, listenOn, starting);
  // Fastify does not know the kind of its server.
  const url = listenOn.secure ? listening.replace(/^http:/, 'https:') : listening;
  await registry.start();
  starting.defer(() => registry.close());
  const closing = new AbortController();
  let isRegistered = false;
  const wait = (dependencyName: string, dependency: Dependency) =>
    waitForDependency(dependencyName, dependency, host.logger, closing.signal);

  async function becomeReady(): Promise<void> {
    await Promise.all([...startup.required].map(([dependencyName, dependency]) => wait(dependencyName, dependency)));
    isRegistered = true;
    await registry.register(localInstanceAt(name, listenOn, url));
    await wait(REGISTRY, startup.registration);
    startup.finish();
  }
  const ready = becomeReady();
  // Callers that wait for `ready` get the error.
  ready.catch(() => undefined);
  const running = starting.move();
  return {
    name,
    url,
    ready,
    async close({ callersAreGone = false } = {}) {
      closing.abort();
      if (isRegistered && !callersAreGone) {
        startDraining(app);
        await registry.setStatus('DOWN');
        await sleep(2 * host.fetchIntervalMillis);
      }
      await running.disposeAsync();
    },
  };
}

const REGISTRY = 'registry';

/**
 * How long to wait for a tolerated dependency. Processes that start together find each other within it. If one stays
 * away, the service starts anyway, because most of its functions work.
 */
const TOLERATED_PATIENCE_MILLIS = 30_000;
const tolerated = (check: HealthCheck): Dependency => ({ check, patienceMillis: TOLERATED_PATIENCE_MILLIS });

/** How long to prepare for the first requests. Longer would help nobody: what is not there by then comes with them. */
const WARM_UP_PATIENCE_MILLIS = 10_000;
const warming = (check: HealthCheck): Dependency => ({ check, patienceMillis: WARM_UP_PATIENCE_MILLIS });

/** Makes `/health/ready` also require what only the start needs, until `finish` is called. */
function trackDependencies({ app, host, registry, dependsOn = [], warmUp = {} }: ServeOptions) {
  const indicators = readinessIndicatorsOf(app);
  const own = [...indicators];
  const services = dependsOn.map(
    (service) => [service, { check: async () => assertInstanceKnown(registry, service) }] as const,
  );
  const registration: Dependency = { check: async () => assertRegistered(registry) };
  /** The dependencies that must work before the service registers. */
  const required = new Map<string, Dependency>([
    ...own.map(
      ([indicator, { check, statusOnFailure }]) =>
        [indicator, statusOnFailure === 'DOWN' ? { check } : tolerated(check)] as const,
    ),
    ...services,
    ...(host.warmsUp ? Object.entries(warmUp).map(([what, check]) => [what, warming(check)] as const) : []),
  ]);
  for (const [indicator, { check }] of [...required, [REGISTRY, registration] as const])
    indicators.set(indicator, { check, statusOnFailure: 'DOWN' });
  return {
    required,
    registration,
    /** From then on a failing dependency in another service does not make this service unready. */
    finish() {
      indicators.clear();
      for (const [indicator, asBefore] of own) indicators.set(indicator, asBefore);
    },
  };
}

function assertInstanceKnown(registry: EurekaClient, service: string): void {
  if (registry.instancesOf(service).length === 0) throw new Error('no instance is known');
}

function assertRegistered(registry: EurekaClient): void {
  if (!registry.isRegistered()) throw new Error('it has not taken this instance yet');
}

function localInstanceAt(
  name: string,
  { advertisedHost, preferences, secure = false }: ListenOn,
  url: string,
): LocalInstance {
  const { port } = new URL(url);
  return {
    instanceId: `${advertisedHost}:${name}:${port}`,
    serviceId: name,
    hostName: advertisedHost,
    ipAddr: advertisedHost,
    port: Number(port),
    secure,
    metadata: { version: VERSION, ...preferences },
  };
}
