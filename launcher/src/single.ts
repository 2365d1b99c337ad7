/** One service as a process of its own, beside others on the same registry. */
import { createInProcessBus } from '@daybook/messaging';
import { type Environment, EXIT, type Logger, type RunningService, StartFailure, systemClock } from '@daybook/service';
import type { LauncherConfig } from './config.ts';
import { announce, findRunningSystem, prepareDataFolder } from './data-folder.ts';
import { type ServiceName, services } from './services.ts';

const FETCH_INTERVAL_MILLIS = 1000;
const REGISTRY_DEADLINE_MILLIS = 1000;

/** The registry of the system that runs on the same data folder. @throws StartFailure 69 when there is none */
async function findRegistry(folder: string): Promise<string> {
  const system = await findRunningSystem(folder);
  const missing = new StartFailure(
    EXIT.unavailable,
    `No registry runs on the data folder ${folder}. Start Daybook first (npm start), or name a registry in EUREKA_URL.`,
  );
  if (!system) throw missing;
  try {
    const answer = await fetch(new URL('/health/live', system.registryUrl), {
      signal: AbortSignal.timeout(REGISTRY_DEADLINE_MILLIS),
    });
    if (!answer.ok) throw missing;
  } catch (error) {
    missing.cause = error;
    throw missing;
  }
  return system.registryUrl;
}

export async function startSingle(
  name: ServiceName,
  config: LauncherConfig,
  environment: Environment,
  logger: Logger,
): Promise<RunningService> {
  await prepareDataFolder(config.DAYBOOK_DATA);
  const isRegistry = name === 'registry';
  const registryUrls = isRegistry || config.EUREKA_URL !== undefined ? [] : [await findRegistry(config.DAYBOOK_DATA)];
  const { start } = await services[name]();
  const service = await start({
    environment,
    logger,
    registryUrls,
    // Nobody else is on this bus. What this service writes is delivered by the process that runs everything.
    bus: createInProcessBus(),
    relaysEvents: false,
    fetchIntervalMillis: FETCH_INTERVAL_MILLIS,
    clock: systemClock,
  });
  if (isRegistry) await announce(config.DAYBOOK_DATA, { pid: process.pid, registryUrl: `${service.url}/eureka` });
  return service;
}
