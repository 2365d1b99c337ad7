/** A process with one service: what its `main.ts` runs when it is the program, and `npm start -- SERVICE`. */
import { createInProcessBus } from '@daybook/messaging';
import { processEnvironment, readProcessConfig } from '../config/config.ts';
import { checkConfigurations, type Environment } from '../config/read-configuration.ts';
import type { Logger } from '../observability/logger.ts';
import { systemClock } from './clock.ts';
import type { HostProcess, RunningService, StartService } from './host-process.ts';
import { openProcessLog, runProcess, type Started } from './run-process.ts';

/** Short enough for a change to be known while the one that leaves still answers. */
const FETCH_INTERVAL_MILLIS = 1_000;

export interface ServiceModule {
  readonly start: StartService;
  /** @throws InvalidConfiguration */
  readConfig(environment: Environment): unknown;
}

/** A process in which nobody else is. `registryUrls` are for a configuration that names none. */
export const hostOfOneService = (
  environment: Environment,
  logger: Logger,
  registryUrls: readonly string[] = [],
): HostProcess => ({
  environment,
  logger,
  registryUrls,
  // Nobody else is on this bus: without a broker, what is written is delivered by the process that runs everything.
  bus: createInProcessBus(),
  relaysEvents: false,
  fetchIntervalMillis: FETCH_INTERVAL_MILLIS,
  clock: systemClock,
});

export const startedService = (service: RunningService, logger: Logger): Started => ({
  ...service,
  title: `Daybook's ${service.name}`,
  logger,
});

/** Runs a service as this process, configured by the environment alone. */
export const runService = ({ start, readConfig }: ServiceModule): Promise<void> =>
  runProcess(async () => {
    checkConfigurations([readProcessConfig, () => readConfig(processEnvironment)]);
    const logger = openProcessLog(readProcessConfig().LOG_LEVEL);
    return startedService(await start(hostOfOneService(processEnvironment, logger)), logger);
  });
