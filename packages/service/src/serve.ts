/** From an application to a running service, and back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createEurekaClient, type EurekaClient, type LocalInstance } from '@daybook/discovery';
import type { App } from './app.ts';
import type { ListenOn } from './common-config.ts';
import { WrongConfiguration } from './configuration.ts';
import { type HealthCheck, readinessPartsOf } from './health.ts';
import type { HostProcess, RunningService } from './host-process.ts';
import { knownHostsOf } from './known-hosts.ts';
import { beginLeaving } from './leaving.ts';
import type { Logger } from './logger.ts';
import { openOperationsPort } from './operations.ts';
import { EXIT, StartFailure } from './start-failure.ts';
import { VERSION } from './version.ts';
import { type Need, waitFor } from './waiting.ts';

/** Requests that are still running after this are cut off. */
const DRAIN_DEADLINE_MILLIS = 10_000;
const CLOSE_IDLE_MILLIS = 50;

/** What a service has to know of the registry. */
export interface RegistryConfig {
  readonly EUREKA_URL?: string;
  readonly DAYBOOK_DIAL_NETWORKS?: string;
}

/**
 * The registry as a service sees it: who is where, and its own place in it.
 * @throws WrongConfiguration when nothing names one
 */
export function joinRegistry(host: HostProcess, config: RegistryConfig): EurekaClient {
  const servers = config.EUREKA_URL?.split(',') ?? [...host.registryUrls];
  if (servers.length === 0) throw new WrongConfiguration(['EUREKA_URL is needed by a service that runs alone']);
  return createEurekaClient({
    servers,
    logger: host.logger,
    fetchIntervalMillis: host.fetchIntervalMillis,
    renewalIntervalMillis: RENEWAL_INTERVAL_MILLIS,
    dialNetworks: config.DAYBOOK_DIAL_NETWORKS?.split(','),
  });
}
const RENEWAL_INTERVAL_MILLIS = 10_000;

/** @throws StartFailure 69 when the port cannot be had */
export async function listen(app: App, host: string, port: number, variable: string): Promise<string> {
  knownHostsOf(app).add(host);
  try {
    return await app.listen({ host, port });
  } catch (error) {
    throw failureToListen(error, host, port, variable);
  }
}

/**
 * Opens the operations port, if there is one; it closes with `parts`.
 * @throws StartFailure 69 when the port is not available
 */
export async function listenForOperators(
  app: App,
  { host, operationsPort: port }: Pick<ListenOn, 'host' | 'operationsPort'>,
  parts: AsyncDisposableStack,
): Promise<void> {
  if (port === undefined) return;
  try {
    const { url, close } = await openOperationsPort(app, host, port);
    parts.defer(close);
    app.log.info({ url }, 'operations port opened');
  } catch (error) {
    throw failureToListen(error, host, port, 'DAYBOOK_OPERATIONS_PORT');
  }
}

function failureToListen(error: unknown, host: string, port: number, variable: string): unknown {
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

/** Lets running requests end, for a while. */
export async function drain(app: App, logger: Logger, deadlineMillis = DRAIN_DEADLINE_MILLIS): Promise<void> {
  // A connection that is busy now becomes idle when its request ends, and would then be kept for the next one.
  const closeIdle = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_MILLIS);
  const cut = setTimeout(() => {
    logger.warn('cut off requests that did not end');
    app.server.closeAllConnections();
  }, deadlineMillis);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
    clearInterval(closeIdle);
  }
}

export interface ServeOptions {
  name: string;
  app: App;
  host: HostProcess;
  registry: EurekaClient;
  listenOn: ListenOn;
  /** The services that it has to ask: it is not ready before each of them has been there. */
  asks?: readonly string[];
  /** What the service stands on; closed last, in reverse order. */
  parts: AsyncDisposableStack;
}

/** Listens. The registry is told when everything is there that the service needs: see `ready` of what is returned. */
export async function serve(options: ServeOptions): Promise<RunningService> {
  const { name, app, host, registry, listenOn } = options;
  await using starting = options.parts;
  starting.defer(() => drain(app, host.logger));
  knownHostsOf(app).add(listenOn.advertisedHost);
  // The check stays that of loopback: in a network of containers, others name this service.
  if (listenOn.publicUrl !== undefined) knownHostsOf(app).add(new URL(listenOn.publicUrl).hostname);
  const needs = holdBack(options);
  const listening = await listen(app, listenOn.host, listenOn.port, listenOn.variable);
  await listenForOperators(app, listenOn, starting);
  // Fastify does not know what kind of server it was given.
  const url = listenOn.secure ? listening.replace(/^http:/, 'https:') : listening;
  await registry.start();
  starting.defer(() => registry.close());
  const closing = new AbortController();
  let isKnown = false;
  const wait = (part: string, need: Need) => waitFor(part, need, host.logger, closing.signal);

  async function becomeReady(): Promise<void> {
    await Promise.all([...needs.before].map(([part, need]) => wait(part, need)));
    isKnown = true;
    await registry.register(instanceAt(name, listenOn, url));
    await wait(REGISTRY, needs.place);
    needs.release();
  }
  const ready = becomeReady();
  // Who waits for it hears of it.
  ready.catch(() => undefined);
  const running = starting.move();
  return {
    name,
    url,
    ready,
    async close({ callersAreGone = false } = {}) {
      closing.abort();
      if (isKnown && !callersAreGone) {
        beginLeaving(app);
        await registry.setStatus('DOWN');
        await sleep(2 * host.fetchIntervalMillis);
      }
      await running.disposeAsync();
    },
  };
}

const REGISTRY = 'registry';

/**
 * What starts together has it all; what starts while a part is away that it can do without is not held up by that for
 * long: a service that can do most is worth more than none.
 */
const TOLERATED_PATIENCE_MILLIS = 30_000;
const tolerated = (check: HealthCheck): Need => ({ check, patienceMillis: TOLERATED_PATIENCE_MILLIS });

/** Until `release`, `/health/ready` wants what is needed only at the start, too. */
function holdBack({ app, registry, asks = [] }: ServeOptions) {
  const parts = readinessPartsOf(app);
  const own = [...parts];
  const services = asks.map((service) => [service, { check: async () => instanceIn(registry, service) }] as const);
  const place: Need = { check: async () => placeIn(registry) };
  /** What has to be there before others may know of the service. */
  const before = new Map<string, Need>([
    ...own.map(([part, { check, otherwise }]) => [part, otherwise === 'DOWN' ? { check } : tolerated(check)] as const),
    ...services,
  ]);
  for (const [part, { check }] of [...before, [REGISTRY, place] as const])
    parts.set(part, { check, otherwise: 'DOWN' });
  return {
    before,
    place,
    /** From then on a part of others that is away is no reason to take this one out as well. */
    release() {
      parts.clear();
      for (const [part, asBefore] of own) parts.set(part, asBefore);
    },
  };
}

function instanceIn(registry: EurekaClient, service: string): void {
  if (registry.instancesOf(service).length === 0) throw new Error('no instance is known');
}

function placeIn(registry: EurekaClient): void {
  if (!registry.isRegistered()) throw new Error('it has not taken this instance yet');
}

function instanceAt(
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
