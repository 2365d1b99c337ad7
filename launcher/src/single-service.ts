/** Starts one service as its own process, next to others on the same registry. */
import {
  type Environment,
  EXIT,
  type HostProcess,
  hostOfOneService,
  type Logger,
  type RunningService,
  StartFailure,
} from '@daybook/service';
import { localEnvironment } from './access/local-environment.ts';
import { isDemoWanted, type LauncherConfig, withDemoChoice } from './config.ts';
import {
  announceSystem,
  findRunningSystem,
  isEmptyDataFolder,
  joinDataFolder,
  lockDataFolder,
  prepareDataFolder,
  type RunningSystem,
} from './data-folder.ts';
import {
  givenRegistryUsers,
  prepareRegistryUsers,
  readRegistryUsers,
  urlsFor,
  withRegistryAccess,
  withRegistryUrls,
} from './registry-users.ts';
import { type ServiceName, startService } from './services.ts';

const REGISTRY_DEADLINE_MILLIS = 1000;

/**
 * Returns the registry of the system on the same data folder.
 * @throws StartFailure 69 when no system runs there
 */
async function findRegistry(folder: string): Promise<RunningSystem> {
  const system = await findRunningSystem(folder);
  const missing = new StartFailure(
    EXIT.unavailable,
    `No registry runs on the data folder ${folder}. Start Daybook first (npm start), or name a registry in EUREKA_URL.`,
  );
  if (!system) throw missing;
  try {
    const response = await fetch(new URL('/health/live', system.registryUrl), {
      signal: AbortSignal.timeout(REGISTRY_DEADLINE_MILLIS),
    });
    if (!response.ok) throw missing;
  } catch (error) {
    missing.cause = error;
    throw missing;
  }
  return system;
}

export async function startSingleService(
  name: ServiceName,
  config: LauncherConfig,
  environment: Environment,
  logger: Logger,
): Promise<RunningService> {
  const folder = config.DAYBOOK_DATA;
  await prepareDataFolder(folder);
  const host = hostOfOneService(environment, logger);
  if (name === 'registry') return startSingleRegistry(folder, host, config);
  await using resources = new AsyncDisposableStack();
  resources.use(joinDataFolder(folder));
  await isEmptyDataFolder(folder);
  const system = config.EUREKA_URL === undefined ? await findRegistry(folder) : undefined;
  const registryUrls = system ? [system.registryUrl] : [];
  // The passwords in the folder are for its own registry, and are not sent to another one.
  const storedUsers = system?.isRegistryOurs ? await readRegistryUsers(folder) : new Map<string, string>();
  const users = new Map([...storedUsers, ...givenRegistryUsers(config.DAYBOOK_REGISTRY_USERS)]);
  const local = await localEnvironment(environment);
  const ofService = name === 'identity' ? withDemoChoice(local, isDemoWanted(config, local)) : local;
  const service = await startService(name, {
    ...host,
    environment: withRegistryAccess(name, withRegistryUrls(ofService, config.EUREKA_URL), users),
    registryUrls: registryUrls.map((url) => urlsFor(name, url, users)),
  });
  const acquired = resources.move();
  return {
    ...service,
    async close(options) {
      await service.close(options);
      await acquired.disposeAsync();
    },
  };
}

/**
 * Starts a registry that other processes on the folder find.
 * @throws StartFailure 69 when a system runs there already
 */
async function startSingleRegistry(folder: string, host: HostProcess, config: LauncherConfig): Promise<RunningService> {
  const lock = await lockDataFolder(folder);
  const users = await prepareRegistryUsers(folder, config.DAYBOOK_REGISTRY_USERS);
  const service = await startService('registry', {
    ...host,
    environment: withRegistryAccess('registry', host.environment, users),
  });
  await announceSystem(folder, { pid: process.pid, registryUrl: `${service.url}/eureka`, isRegistryOurs: true });
  return {
    ...service,
    async close(options) {
      await service.close(options);
      lock[Symbol.dispose]();
    },
  };
}
