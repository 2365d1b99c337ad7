/** All services in one process, each on a port of its own. They talk over HTTP and find each other in the registry. */
import { createInProcessBus } from '@daybook/messaging';
import {
  type Clock,
  type Environment,
  type HostProcess,
  type Logger,
  type RegistryUsers,
  type RunningService,
  StartFailure,
  systemClock,
} from '@daybook/service';
import type { LauncherConfig } from './config.ts';
import {
  announceSystem,
  findRunningSystem,
  isEmptyDataFolder,
  lockDataFolder,
  prepareDataFolder,
} from './data-folder.ts';
import { areServicesEmpty, demoMarkerPath, isDemoPending, markDemoPending, seedDemo } from './demo/seed.ts';
import { FETCH_INTERVAL_MILLIS } from './intervals.ts';
import {
  givenRegistryUsers,
  prepareRegistryUsers,
  urlsFor,
  withoutUsers,
  withRegistryAccess,
  withRegistryUrls,
} from './registry-users.ts';
import { type ServiceName, startService } from './services.ts';

/** In the order in which they are closed: who asks goes before whom it asks. */
const BACKEND_SERVICES = ['appointment', 'doctor', 'patient', 'notification'] as const;

export interface System {
  readonly url: string;
  readonly registryUrl: string;
  /** For tests, which take a part away and give it back. */
  stop(name: ServiceName): Promise<void>;
  restart(name: ServiceName): Promise<void>;
  close(): Promise<void>;
}

/** The services that run now. */
interface LocalServices {
  start(name: ServiceName, host: HostProcess): Promise<RunningService>;
  stop(name: ServiceName): Promise<void>;
  urlOf(name: ServiceName): string;
}

/** Each gets what it has to know of the registry, and nothing of what others know. */
function createLocalServices(users: RegistryUsers): LocalServices {
  const running = new Map<ServiceName, RunningService>();
  return {
    async start(name, host) {
      const service = await startService(name, {
        ...host,
        environment: withRegistryAccess(name, host.environment, users),
        registryUrls: host.registryUrls.map((url) => urlsFor(name, url, users)),
      });
      running.set(name, service);
      return service;
    },
    async stop(name) {
      await running.get(name)?.close({ callersAreGone: true });
      running.delete(name);
    },
    urlOf: (name) => running.get(name)?.url ?? '',
  };
}

/** Where it was the last time, so that processes that joined then find it again; on a free port where that is taken. */
async function startRegistry(services: LocalServices, folder: string, host: HostProcess): Promise<string> {
  const previous = await findRunningSystem(folder);
  const port = previous ? new URL(previous.registryUrl).port : '0';
  const at = (DAYBOOK_SERVICE_PORT: string) => ({
    ...host,
    environment: { ...host.environment, DAYBOOK_SERVICE_PORT },
  });
  try {
    return `${(await services.start('registry', at(port))).url}/eureka`;
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    return `${(await services.start('registry', at('0'))).url}/eureka`;
  }
}

/**
 * Starts several at once and waits until they are ready. All starts end before a failure is told, so that what did start
 * is known and can be closed; they are not waited for, since they may wait for the one that failed.
 */
async function startConcurrently(
  services: LocalServices,
  names: readonly ServiceName[],
  host: HostProcess,
): Promise<void> {
  const results = await Promise.allSettled(names.map((name) => services.start(name, host)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  await Promise.all(results.map((result) => result.status === 'fulfilled' && result.value.ready));
}

/** `bus` is for who wants to see what is on it. @throws StartFailure with the exit code and the line to say */
export async function startAllInOne(
  config: LauncherConfig,
  baseEnvironment: Environment,
  logger: Logger,
  bus = createInProcessBus(),
): Promise<System> {
  const environment = withRegistryUrls(baseEnvironment, config.EUREKA_URL);
  await using resources = new AsyncDisposableStack();
  const folder = config.DAYBOOK_DATA;
  await prepareDataFolder(folder);
  resources.use(await lockDataFolder(folder));
  const marker = demoMarkerPath(folder);
  const wantsDemo = config.DAYBOOK_DEMO === 'on';
  const isOnServer = config.DAYBOOK_MYSQL_URL !== undefined;
  // Asked in any case: it refuses a folder in which a restore did not end.
  const isEmpty = await isEmptyDataFolder(folder);
  if (wantsDemo && !isOnServer && isEmpty) await markDemoPending(marker);
  resources.defer(() => bus.close());

  let clock: Clock = systemClock;
  const isRegistryOurs = config.EUREKA_URL === undefined;
  const given = config.DAYBOOK_REGISTRY_USERS;
  const users = isRegistryOurs ? await prepareRegistryUsers(folder, given) : givenRegistryUsers(given);
  const services = createLocalServices(users);
  // Only the gateway is for others; it alone listens where DAYBOOK_HOST says.
  const internalEnvironment = {
    ...environment,
    DAYBOOK_HOST: '127.0.0.1',
    DAYBOOK_SERVICE_PORT: '0',
    DAYBOOK_OPERATIONS_PORT: '',
  };
  const host: HostProcess = {
    environment: internalEnvironment,
    logger,
    registryUrls: [],
    bus,
    relaysEvents: true,
    fetchIntervalMillis: FETCH_INTERVAL_MILLIS,
    clock: () => clock(),
  };
  resources.defer(() => services.stop('registry'));
  const registryUrl = config.EUREKA_URL ?? (await startRegistry(services, folder, host));
  const backendHost = { ...host, registryUrls: registryUrl.split(',') };
  const announcedUrl = withoutUsers(registryUrl);
  for (const name of BACKEND_SERVICES.toReversed()) resources.defer(() => services.stop(name));
  await startConcurrently(services, BACKEND_SERVICES, backendHost);
  bus.open();
  // A server may hold what the folder knows nothing of, and the other way round.
  if (wantsDemo && isOnServer && (await areServicesEmpty(services.urlOf))) {
    await markDemoPending(marker);
  }
  if (wantsDemo && (await isDemoPending(marker))) {
    await seedDemo(marker, services.urlOf, logger, (fixedClock) => {
      clock = fixedClock;
    });
    clock = systemClock;
  }
  const gatewayHost = { ...backendHost, environment };
  resources.defer(() => services.stop('gateway'));
  const { url, ready } = await services.start('gateway', gatewayHost);
  await ready;
  await announceSystem(folder, { pid: process.pid, registryUrl: announcedUrl, isRegistryOurs });
  const started = resources.move();
  return {
    url,
    registryUrl: announcedUrl,
    stop: services.stop,
    async restart(name) {
      await (await services.start(name, name === 'gateway' ? gatewayHost : backendHost)).ready;
    },
    close: () => started.disposeAsync(),
  };
}
