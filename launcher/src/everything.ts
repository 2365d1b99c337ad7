/** All services in one process, each on a port of its own. They talk over HTTP and find each other in the registry. */
import { createInProcessBus } from '@daybook/messaging';
import {
  type Clock,
  type Environment,
  EXIT,
  type HostProcess,
  type Logger,
  type RunningService,
  StartFailure,
  systemClock,
} from '@daybook/service';
import type { LauncherConfig } from './config.ts';
import { announce, lockDataFolder, prepareDataFolder } from './data-folder.ts';
import { demoIsUnfinished, fillDemo } from './demo.ts';
import { type ServiceName, services } from './services.ts';

/** On one machine a look into the registry costs nothing, and a new instance gets work within a second. */
const FETCH_INTERVAL_MILLIS = 1000;

/** In the order in which they are closed: who asks goes before whom it asks. */
const BEHIND_THE_GATEWAY = ['appointment', 'doctor', 'patient', 'notification'] as const;

export interface System {
  readonly url: string;
  readonly registryUrl: string;
  /** The service with its name, as long as it runs. */
  readonly running: ReadonlyMap<ServiceName, RunningService>;
  stop(name: ServiceName): Promise<void>;
  /** Starts a service again that was stopped. */
  startAgain(name: ServiceName): Promise<void>;
  close(): Promise<void>;
}

async function startService(name: ServiceName, host: HostProcess): Promise<RunningService> {
  const { start } = await services[name]();
  return start(host);
}

/** @throws StartFailure with the exit code and the line to say */
export async function startEverything(
  config: LauncherConfig,
  environment: Environment,
  logger: Logger,
): Promise<System> {
  if (config.DATABASE_URL !== undefined) {
    const advice = 'it names the database of one service. For everything in one process set DAYBOOK_DATA';
    throw new StartFailure(EXIT.configuration, `Wrong configuration: DATABASE_URL cannot be used here; ${advice}.`);
  }
  await using parts = new AsyncDisposableStack();
  const { empty } = await prepareDataFolder(config.DAYBOOK_DATA);
  parts.use(await lockDataFolder(config.DAYBOOK_DATA));
  const bus = createInProcessBus();
  parts.defer(() => bus.close());

  let clock: Clock = systemClock;
  let host: HostProcess = {
    environment: { ...environment, DAYBOOK_SERVICE_PORT: '0' },
    logger,
    registryUrls: [],
    bus,
    relaysEvents: true,
    fetchIntervalMillis: FETCH_INTERVAL_MILLIS,
    clock: () => clock(),
  };
  const running = new Map<ServiceName, RunningService>();
  async function launch(name: ServiceName): Promise<void> {
    const service = await startService(name, host);
    running.set(name, service);
  }
  async function stop(name: ServiceName): Promise<void> {
    await running.get(name)?.close({ callersAreGone: true });
    running.delete(name);
  }

  let registryUrl = config.EUREKA_URL ?? '';
  if (config.EUREKA_URL === undefined) {
    parts.defer(() => stop('registry'));
    await launch('registry');
    registryUrl = `${running.get('registry')?.url}/eureka`;
    host = { ...host, registryUrls: [registryUrl] };
  }
  for (const name of BEHIND_THE_GATEWAY.toReversed()) parts.defer(() => stop(name));
  // All of them end before the first failure is told: what is started then is closed again.
  const launches = await Promise.allSettled(BEHIND_THE_GATEWAY.map(launch));
  const failed = launches.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  bus.open();
  const fill = config.DAYBOOK_DEMO === 'on' && (empty || (await demoIsUnfinished(config.DAYBOOK_DATA)));
  if (fill) {
    const urlOf = (name: ServiceName) => running.get(name)?.url ?? '';
    await fillDemo(config.DAYBOOK_DATA, urlOf, logger, (told) => {
      clock = told;
    });
    clock = systemClock;
  }
  parts.defer(() => stop('gateway'));
  await launch('gateway');
  await announce(config.DAYBOOK_DATA, { pid: process.pid, registryUrl });
  const started = parts.move();
  return {
    url: running.get('gateway')?.url ?? '',
    registryUrl,
    running,
    stop,
    startAgain: launch,
    close: () => started.disposeAsync(),
  };
}
