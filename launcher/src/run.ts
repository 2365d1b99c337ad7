/** Runs the process of a command line. */
import {
  EXIT,
  type Logger,
  openProcessLog,
  runProcess,
  type Started,
  StartFailure,
  startedService,
} from '@daybook/service';
import { startAllInOne } from './all-in-one.ts';
import { environment, type LauncherConfig, readConfig, rejectUnusable } from './config.ts';
import { checkServices, isServiceName, type ServiceName, serviceNames } from './services.ts';
import { startSingleService } from './single-service.ts';

/**
 * Returns the service that the arguments name.
 * @throws StartFailure 64
 */
function parseServiceName(names: readonly string[]): ServiceName | undefined {
  const [name] = names;
  if (name === undefined) return undefined;
  if (names.length === 1 && isServiceName(name)) return name;
  const known = serviceNames.join(', ');
  throw new StartFailure(EXIT.usage, `Usage: npm start [-- SERVICE], where SERVICE is one of ${known}.`);
}

async function start(name: ServiceName | undefined, config: LauncherConfig, logger: Logger): Promise<Started> {
  if (name !== undefined) return startedService(await startSingleService(name, config, environment, logger), logger);
  const { url, close } = await startAllInOne(config, environment, logger);
  return { title: 'Daybook', url, logger, ready: Promise.resolve(), close };
}

export const run = (names: readonly string[]): Promise<void> =>
  runProcess(async () => {
    const name = parseServiceName(names);
    const toStart = name === undefined ? serviceNames : [name];
    await checkServices(toStart, environment, [readConfig, () => rejectUnusable(name === undefined)]);
    const config = readConfig();
    return start(name, config, await openProcessLog(config));
  });
