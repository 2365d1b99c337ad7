/** From the command line to a running process, and to its exit code. */
import { createLogger, EXIT, type Logger, StartFailure } from '@daybook/service';
import { environment, type LauncherConfig, readConfig, refuseUnusable } from './config.ts';
import { startEverything } from './everything.ts';
import { checkServices, isServiceName, type ServiceName, serviceNames } from './services.ts';
import { startSingle } from './single.ts';

/** sysexits(3): a fault of ours. */
const EX_SOFTWARE = 70;
const CLOSE_DEADLINE_MILLIS = 20_000;

interface Started {
  readonly readyLine: string;
  close(): Promise<void>;
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const complain = (line: string) => process.stderr.write(`${line}\n`);
const secondsSinceStart = () => `${(performance.now() / 1000).toFixed(1)} s`;

/** @throws StartFailure 64 */
function serviceOf(names: readonly string[]): ServiceName | undefined {
  const [name] = names;
  if (name === undefined) return undefined;
  if (names.length === 1 && isServiceName(name)) return name;
  const known = serviceNames.join(', ');
  throw new StartFailure(EXIT.usage, `Usage: npm start [-- SERVICE], where SERVICE is one of ${known}.`);
}

async function start(name: ServiceName | undefined, config: LauncherConfig, logger: Logger): Promise<Started> {
  if (name === undefined) {
    const system = await startEverything(config, environment, logger);
    return { readyLine: `Daybook is ready at ${system.url} (${secondsSinceStart()})`, close: system.close };
  }
  const service = await startSingle(name, config, environment, logger);
  return {
    readyLine: `Daybook's ${service.name} is ready at ${service.url} (${secondsSinceStart()})`,
    close: () => service.close(),
  };
}

/** Closes once, on the first signal; a second one, or a close that does not end, ends the process at once. */
function closeOnSignal({ close }: Started, logger: Logger): void {
  let closing = false;
  async function onSignal(): Promise<void> {
    if (closing) process.exit(130);
    closing = true;
    setTimeout(() => {
      logger.error('could not close in time');
      process.exit(EX_SOFTWARE);
    }, CLOSE_DEADLINE_MILLIS).unref();
    try {
      await close();
      process.exit(0);
    } catch (error) {
      logger.error({ err: error }, 'could not close cleanly');
      process.exit(EX_SOFTWARE);
    }
  }
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

function endOnFault(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'an unexpected failure ends this process');
    process.exit(EX_SOFTWARE);
  });
}

export async function run(names: readonly string[]): Promise<void> {
  try {
    const name = serviceOf(names);
    const toStart = name === undefined ? serviceNames : [name];
    await checkServices(toStart, environment, [readConfig, () => refuseUnusable(name === undefined)]);
    const config = readConfig();
    const logger = createLogger({ level: config.LOG_LEVEL, pretty: process.stdout.isTTY });
    endOnFault(logger);
    const started = await start(name, config, logger);
    closeOnSignal(started, logger);
    say(started.readyLine);
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    complain(error.message);
    process.exit(error.exitCode);
  }
}
