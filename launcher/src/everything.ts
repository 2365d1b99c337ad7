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
import { announce, findRunningSystem, isEmptyDataFolder, lockDataFolder, prepareDataFolder } from './data-folder.ts';
import { beginDemo, demoIsUnfinished, demoMarkerIn, fillDemo, nothingIsThere } from './demo.ts';
import { FETCH_INTERVAL_MILLIS } from './intervals.ts';
import {
  givenRegistryUsers,
  namingRegistry,
  prepareRegistryUsers,
  urlsFor,
  withoutUsers,
  withRegistryAccess,
} from './registry-users.ts';
import { type ServiceName, startService } from './services.ts';

/** In the order in which they are closed: who asks goes before whom it asks. */
const BEHIND_THE_GATEWAY = ['appointment', 'doctor', 'patient', 'notification'] as const;

export interface System {
  readonly url: string;
  readonly registryUrl: string;
  /** For tests, which take a part away and give it back. */
  stop(name: ServiceName): Promise<void>;
  startAgain(name: ServiceName): Promise<void>;
  close(): Promise<void>;
}

/** The services that run now. */
interface Residents {
  start(name: ServiceName, host: HostProcess): Promise<RunningService>;
  stop(name: ServiceName): Promise<void>;
  urlOf(name: ServiceName): string;
}

/** Each gets what it has to know of the registry, and nothing of what others know. */
function createResidents(users: RegistryUsers): Residents {
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
async function startRegistry(residents: Residents, folder: string, host: HostProcess): Promise<string> {
  const before = await findRunningSystem(folder);
  const port = before ? new URL(before.registryUrl).port : '0';
  const at = (DAYBOOK_SERVICE_PORT: string) => ({
    ...host,
    environment: { ...host.environment, DAYBOOK_SERVICE_PORT },
  });
  try {
    return `${(await residents.start('registry', at(port))).url}/eureka`;
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    return `${(await residents.start('registry', at('0'))).url}/eureka`;
  }
}

/**
 * Starts several at once and waits until they are ready. All starts end before a failure is told, so that what did start
 * is known and can be closed; they are not waited for, since they may wait for the one that failed.
 */
async function startTogether(residents: Residents, names: readonly ServiceName[], host: HostProcess): Promise<void> {
  const outcomes = await Promise.allSettled(names.map((name) => residents.start(name, host)));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  await Promise.all(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value.ready));
}

/** `bus` is for who wants to see what is on it. @throws StartFailure with the exit code and the line to say */
export async function startEverything(
  config: LauncherConfig,
  shell: Environment,
  logger: Logger,
  bus = createInProcessBus(),
): Promise<System> {
  const environment = namingRegistry(shell, config.EUREKA_URL);
  await using parts = new AsyncDisposableStack();
  const folder = config.DAYBOOK_DATA;
  await prepareDataFolder(folder);
  parts.use(await lockDataFolder(folder));
  const marker = demoMarkerIn(folder);
  const wantsDemo = config.DAYBOOK_DEMO === 'on';
  const isOnServer = config.DAYBOOK_MYSQL_URL !== undefined;
  // Asked in any case: it refuses a folder in which a restore did not end.
  const isEmpty = await isEmptyDataFolder(folder);
  if (wantsDemo && !isOnServer && isEmpty) await beginDemo(marker);
  parts.defer(() => bus.close());

  let clock: Clock = systemClock;
  const isRegistryOurs = config.EUREKA_URL === undefined;
  const given = config.DAYBOOK_REGISTRY_USERS;
  const users = isRegistryOurs ? await prepareRegistryUsers(folder, given) : givenRegistryUsers(given);
  const residents = createResidents(users);
  // Only the gateway is for others; it alone listens where DAYBOOK_HOST says.
  const inside = { ...environment, DAYBOOK_HOST: '127.0.0.1', DAYBOOK_SERVICE_PORT: '0', DAYBOOK_OPERATIONS_PORT: '' };
  const host: HostProcess = {
    environment: inside,
    logger,
    registryUrls: [],
    bus,
    relaysEvents: true,
    fetchIntervalMillis: FETCH_INTERVAL_MILLIS,
    clock: () => clock(),
  };
  parts.defer(() => residents.stop('registry'));
  const registryUrl = config.EUREKA_URL ?? (await startRegistry(residents, folder, host));
  const member = { ...host, registryUrls: registryUrl.split(',') };
  const announcedUrl = withoutUsers(registryUrl);
  for (const name of BEHIND_THE_GATEWAY.toReversed()) parts.defer(() => residents.stop(name));
  await startTogether(residents, BEHIND_THE_GATEWAY, member);
  bus.open();
  // A server may hold what the folder knows nothing of, and the other way round.
  if (wantsDemo && isOnServer && (await nothingIsThere(residents.urlOf))) {
    await beginDemo(marker);
  }
  if (wantsDemo && (await demoIsUnfinished(marker))) {
    await fillDemo(marker, residents.urlOf, logger, (told) => {
      clock = told;
    });
    clock = systemClock;
  }
  const door = { ...member, environment };
  parts.defer(() => residents.stop('gateway'));
  const { url, ready } = await residents.start('gateway', door);
  await ready;
  await announce(folder, { pid: process.pid, registryUrl: announcedUrl, isRegistryOurs });
  const started = parts.move();
  return {
    url,
    registryUrl: announcedUrl,
    stop: residents.stop,
    async startAgain(name) {
      await (await residents.start(name, name === 'gateway' ? door : member)).ready;
    },
    close: () => started.disposeAsync(),
  };
}
