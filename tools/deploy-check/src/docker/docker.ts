/** Checks whether this machine's Docker has what deploy/images and deploy/compose need. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAtLeast } from './versions.ts';

const COMPOSE_FILE = join(import.meta.dirname, '../../../../deploy/compose/compose.yaml');
const DEADLINE_MILLIS = 30_000;
/** The version that compose.yaml documents. */
export const OLDEST_COMPOSE = '2.23.1';
const OLDEST_ENGINE = '20.10.0';
/** The sum of the memory limits in compose.yaml. */
const MEBIBYTES = 3456;

export interface Finding {
  readonly text: string;
  /** Whether Daybook cannot be built or run until this is fixed. */
  readonly isFault: boolean;
}

/** Runs a program. Undefined when it does not exist, fails, or times out. */
export type RunCommand = (program: string, ...arguments_: string[]) => Promise<string | undefined>;

const execute = promisify(execFile);

export const runCommand: RunCommand = async (program, ...arguments_) => {
  try {
    return (await execute(program, arguments_, { timeout: DEADLINE_MILLIS })).stdout.trim();
  } catch {
    // The finding reports that the value is unavailable.
    return undefined;
  }
};

const good = (text: string): Finding => ({ text, isFault: false });
const fault = (text: string): Finding => ({ text, isFault: true });

async function findingOnCompose(run: RunCommand): Promise<Finding> {
  const needed = `deploy/compose needs Docker Compose ${OLDEST_COMPOSE} or newer`;
  const version = await run('docker', 'compose', 'version', '--short');
  if (version !== undefined) {
    return isAtLeast(version, OLDEST_COMPOSE)
      ? good(`Docker Compose ${version} can run deploy/compose.`)
      : fault(`Docker Compose ${version} is too old: ${needed}.`);
  }
  const standalone = await run('docker-compose', 'version', '--short');
  return fault(
    standalone === undefined
      ? `There is no Docker Compose: ${needed}, as the plugin \`docker compose\`.`
      : `There is docker-compose ${standalone}, but not as the plugin \`docker compose\`: ${needed}.`,
  );
}

async function findingOnBuilding(run: RunCommand): Promise<Finding> {
  const version = await run('docker', 'buildx', 'version');
  return version === undefined
    ? fault('There is no buildx plugin: the images need BuildKit to be built.')
    : good(`The images can be built: ${version.split(' ').slice(0, 2).join(' ')}.`);
}

async function findingOnFile(run: RunCommand): Promise<Finding> {
  return (await run('docker', 'compose', '--file', COMPOSE_FILE, 'config', '--quiet')) === undefined
    ? fault('It does not accept deploy/compose/compose.yaml: `docker compose config` there shows why.')
    : good('It accepts deploy/compose/compose.yaml with the settings of this shell.');
}

async function findingOnMemory(run: RunCommand): Promise<Finding> {
  const bytes = Number(await run('docker', 'info', '--format', '{{.MemTotal}}'));
  if (!(bytes > 0)) return good('It did not report its memory.');
  const mebibytes = Math.floor(bytes / 1024 / 1024);
  return mebibytes >= MEBIBYTES
    ? good(`It has ${mebibytes} MiB of memory; one container of each takes ${MEBIBYTES} MiB at most.`)
    : fault(`It has ${mebibytes} MiB of memory, and one container of each may take ${MEBIBYTES} MiB.`);
}

/** Reports one line for each container, so that an unhealthy one is visible. */
async function findingsOnSystem(run: RunCommand): Promise<Finding[]> {
  const listed = await run('docker', 'compose', '--file', COMPOSE_FILE, 'ps', '--format', '{{.Name}} {{.Status}}');
  if (listed === undefined || listed === '') return [good('Nothing of deploy/compose runs here now.')];
  const lines = listed.split('\n');
  const unwell = lines.filter((line) => !line.includes('(healthy)'));
  return unwell.length === 0
    ? [good(`deploy/compose runs here: ${lines.length} containers, all of them healthy.`)]
    : unwell.map((line) => fault(`deploy/compose runs here, but not well: ${line}.`));
}

/** Returns the findings as text, one line each. */
export async function findingsOfDocker(run: RunCommand): Promise<Finding[]> {
  const client = await run('docker', '--version');
  if (client === undefined) {
    return [
      good(
        `There is no Docker here, so nothing could be checked. deploy/compose needs Docker Engine ${OLDEST_ENGINE} with Docker Compose ${OLDEST_COMPOSE}, or newer ones.`,
      ),
    ];
  }
  const engine = await run('docker', 'version', '--format', '{{.Server.Version}}');
  if (engine === undefined || engine === '') {
    return [
      fault('There is a docker command, but its engine does not respond: start it, or get the permission to use it.'),
    ];
  }
  const findingOnEngine = isAtLeast(engine, OLDEST_ENGINE)
    ? good(`The engine is Docker ${engine}.`)
    : fault(`The engine is Docker ${engine}, which is too old: it has to be ${OLDEST_ENGINE} or newer.`);
  const compose = await findingOnCompose(run);
  const rest = compose.isFault ? [] : [await findingOnFile(run), ...(await findingsOnSystem(run))];
  return [findingOnEngine, await findingOnBuilding(run), await findingOnMemory(run), compose, ...rest];
}
