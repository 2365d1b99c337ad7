/** Runs a process with one service, for its `main.ts` and for `npm start -- SERVICE`. */
import { createInProcessBus } from '@daybook/messaging';
import { processEnvironment, readProcessConfig } from '../config/config.ts';
import { checkConfigurations, type Environment } from '../config/read-configuration.ts';
import type { Logger } from '../observability/logger.ts';
import { systemClock } from './clock.ts';
import type { HostProcess, RunningService, StartService } from './host-process.ts';
import { openProcessLog, runProcess, type Started } from './run-process.ts';

/** Short enough that callers learn of a change while a draining instance still responds. */
const FETCH_INTERVAL_MILLIS = 1_000;

export interface ServiceModule {
  readonly start: StartService;
  /**
   * Reads the configuration of the service.
   * @throws InvalidConfiguration
   */
  readConfig(environment: Environment): unknown;
}

/** Returns the host of a process with one service. `registryUrls` apply if the configuration names none. */
export const hostOfOneService = (
  environment: Environment,
  logger: Logger,
  registryUrls: readonly string[] = [],
): HostProcess => ({
  environment,
  logger,
  registryUrls,
  // This bus has no other service. Without a broker, the all-in-one process delivers the outbox.
  bus: createInProcessBus(),
  relaysEvents: false,
  warmsUp: true,
  fetchIntervalMillis: FETCH_INTERVAL_MILLIS,
  clock: systemClock,
});

export const startedService = (service: RunningService, logger: Logger): Started => ({
  ...service,
  title: `Daybook's ${service.name}`,
  logger,
});

/** Runs a service as this process, configured only by the environment. */
export const runService = ({ start, readConfig }: ServiceModule): Promise<void> =>
  runProcess(async () => {
    checkConfigurations([readProcessConfig, () => readConfig(processEnvironment)]);
    const logger = await openProcessLog(readProcessConfig());
    return startedService(await start(hostOfOneService(processEnvironment, logger)), logger);
  });
