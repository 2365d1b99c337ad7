/** From the command line to a running process. */
import {
  EXIT,
  type Logger,
  openProcessLog,
  runProcess,
  type Started,
  StartFailure,
  startedService,
} from '@daybook/service';
import { environment, type LauncherConfig, readConfig, refuseUnusable } from './config.ts';
import { startEverything } from './everything.ts';
import { checkServices, isServiceName, type ServiceName, serviceNames } from './services.ts';
import { startSingle } from './single.ts';

/** @throws StartFailure 64 */
function serviceOf(names: readonly string[]): ServiceName | undefined {
  const [name] = names;
  if (name === undefined) return undefined;
  if (names.length === 1 && isServiceName(name)) return name;
  const known = serviceNames.join(', ');
  throw new StartFailure(EXIT.usage, `Usage: npm start [-- SERVICE], where SERVICE is one of ${known}.`);
}

async function start(name: ServiceName | undefined, config: LauncherConfig, logger: Logger): Promise<Started> {
  if (name !== undefined) return startedService(await startSingle(name, config, environment, logger), logger);
  const { url, close } = await startEverything(config, environment, logger);
  return { title: 'Daybook', url, logger, ready: Promise.resolve(), close };
}

export const run = (names: readonly string[]): Promise<void> =>
  runProcess(async () => {
    const name = serviceOf(names);
    const toStart = name === undefined ? serviceNames : [name];
    await checkServices(toStart, environment, [readConfig, () => refuseUnusable(name === undefined)]);
    const config = readConfig();
    return start(name, config, openProcessLog(config.LOG_LEVEL));
  });
