/** Starts all services in one process, each on its own port. They communicate over HTTP and use the registry. */
import type { LocalCaller } from '@daybook/identity-service/local-tokens';
import { createInProcessBus } from '@daybook/messaging';
import {
  type Clock,
  type Environment,
  type HostProcess,
  isGiven,
  type Logger,
  type RegistryUsers,
  type RunningService,
  StartFailure,
  systemClock,
} from '@daybook/service';
import { createTokenSource } from './access/token-source.ts';
import { isDemoWanted, type LauncherConfig, withDemoChoice } from './config.ts';
import {
  announceSystem,
  findRunningSystem,
  isEmptyDataFolder,
  lockDataFolder,
  prepareDataFolder,
} from './data-folder.ts';
import { areServicesEmpty, demoMarkerPath, isDemoPending, markDemoPending, seedDemo } from './demo/seed.ts';
import { FETCH_INTERVAL_MILLIS } from './intervals.ts';
import { choosePublicAddress } from './public-address.ts';
import {
  givenRegistryUsers,
  prepareRegistryUsers,
  urlsFor,
  withoutUsers,
  withRegistryAccess,
  withRegistryUrls,
} from './registry-users.ts';
import { type ServiceName, startService } from './services.ts';

/** In closing order: clients close before the services that they call. */
const BACKEND_SERVICES = ['appointment', 'doctor', 'patient', 'notification', 'identity'] as const;

export interface System {
  readonly url: string;
  readonly registryUrl: string;
  /** Returns an access token of the local system, for the patient or doctor of the id. */
  tokenFor(caller: LocalCaller): Promise<string>;
  /** Stops a service. Only tests stop and restart services. */
  stop(name: ServiceName): Promise<void>;
  restart(name: ServiceName): Promise<void>;
  close(): Promise<void>;
}

/** The services that run in this process. */
interface LocalServices {
  start(name: ServiceName, host: HostProcess): Promise<RunningService>;
  stop(name: ServiceName): Promise<void>;
  urlOf(name: ServiceName): string;
}

/** Creates the services. Each receives its own registry credentials only. */
function createLocalServices(users: RegistryUsers): LocalServices {
  const running = new Map<ServiceName, RunningService>();
  return {
    async start(name, host) {
      const service = await startService(name, {
        ...host,
        // Tokens and key sets are of today, also while the demo is seeded with earlier days.
        ...(name === 'identity' && { clock: systemClock }),
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

/**
 * Starts the registry on its previous port, where joined processes find it again, or on a free port if that is taken.
 */
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
 * Starts several services concurrently and waits until they are ready.
 * After a failure all starts still end, so that each started service can be closed.
 * Their readiness is not awaited then, because it may depend on the failed service.
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

/**
 * Starts the system. Tests pass `bus` to observe its events.
 * @throws StartFailure with the exit code and the line to print
 */
export async function startAllInOne(
  config: LauncherConfig,
  baseEnvironment: Environment,
  logger: Logger,
  bus = createInProcessBus(),
): Promise<System> {
  const wantsDemo = isDemoWanted(config, baseEnvironment);
  await using resources = new AsyncDisposableStack();
  const address = await choosePublicAddress({
    ...withRegistryUrls(baseEnvironment, config.EUREKA_URL),
    ...(wantsDemo && !isGiven(baseEnvironment, 'DAYBOOK_PUBLIC_PAGE') && { DAYBOOK_PUBLIC_PAGE: 'on' }),
  });
  const { environment } = address;
  resources.defer(() => address.release());
  const folder = config.DAYBOOK_DATA;
  await prepareDataFolder(folder);
  resources.use(await lockDataFolder(folder));
  const marker = demoMarkerPath(folder);
  const isOnServer = config.DAYBOOK_MYSQL_URL !== undefined;
  // Checked in any case, because it rejects a folder with an unfinished restore.
  const isEmpty = await isEmptyDataFolder(folder);
  if (wantsDemo && !isOnServer && isEmpty) await markDemoPending(marker);
  resources.defer(() => bus.close());

  let clock: Clock = systemClock;
  const isRegistryOurs = config.EUREKA_URL === undefined;
  const given = config.DAYBOOK_REGISTRY_USERS;
  const users = isRegistryOurs ? await prepareRegistryUsers(folder, given) : givenRegistryUsers(given);
  const services = createLocalServices(users);
  // Only the gateway serves other machines, so only it listens on DAYBOOK_HOST.
  const internalEnvironment = {
    ...withDemoChoice(environment, wantsDemo),
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
  const tokens = createTokenSource(internalEnvironment);
  resources.use(tokens);
  const administratorToken = () => tokens.tokenFor({ role: 'administrator' });
  bus.open();
  // The folder and the server do not depend on each other, so the server decides whether the demo is missing.
  if (wantsDemo && isOnServer && (await areServicesEmpty(services.urlOf, administratorToken))) {
    await markDemoPending(marker);
  }
  if (wantsDemo && (await isDemoPending(marker))) {
    const identity = internalEnvironment;
    await seedDemo({ marker, urlOf: services.urlOf, token: administratorToken, identity, logger }, (fixedClock) => {
      clock = fixedClock;
    });
    clock = systemClock;
  }
  const publicUrl = environment.DAYBOOK_PUBLIC_URL ?? '';
  const gatewayHost = { ...backendHost, environment };
  resources.defer(() => services.stop('gateway'));
  await address.release();
  const { url, ready } = await services.start('gateway', gatewayHost);
  await ready;
  await announceSystem(folder, { pid: process.pid, registryUrl: announcedUrl, isRegistryOurs, publicUrl });
  const started = resources.move();
  return {
    url,
    registryUrl: announcedUrl,
    tokenFor: (caller) => tokens.tokenFor(caller),
    stop: services.stop,
    async restart(name) {
      await (await services.start(name, name === 'gateway' ? gatewayHost : backendHost)).ready;
    },
    close: () => started.disposeAsync(),
  };
}
