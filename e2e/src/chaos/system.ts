/** Starts the distributed system like `npm run start:distributed`, with a fault proxy before every server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createTokenSource } from '@daybook/launcher/tokens';
import { isRunning, registryUsersVariable } from '@daybook/testing';
import type { FaultProxy } from '@daybook/testing/fault-proxy';
import { openProxyBefore, PROXIES_HOST } from './addresses.ts';
import { waitUntil } from './child-process.ts';
import type { Clocks } from './clocks.ts';

/** The time for all processes of a new system, whose databases are empty. */
export const FIRST_READY_MILLIS = 180_000;
const STOP_TIMEOUT_MILLIS = 40_000;
const GONE_MILLIS = 15_000;

const PROCESS_COUNTS = {
  ...{ registry: 1, identity: 2, notification: 2 },
  ...{ patient: 2, doctor: 2, appointment: 2, gateway: 1 },
} as const;
type Service = keyof typeof PROCESS_COUNTS;
const SERVICES = Object.keys(PROCESS_COUNTS) as Service[];

/** The number of ports that the system needs. */
export const SYSTEM_PORTS = Object.values(PROCESS_COUNTS).reduce((sum, count) => sum + count, 0);

export interface SystemOptions {
  /** The folder of the sources: ours, or that of a mutant. */
  readonly sources: string;
  readonly folder: string;
  readonly ports: readonly number[];
  readonly databaseUrl: string;
  /** The database without a proxy, for the tokens of clients. */
  readonly directDatabaseUrl: string;
  readonly brokerUrl: string;
  /** The port of an external registry; without it the system starts its own. */
  readonly registryPort?: number | undefined;
  readonly clocks?: Clocks | undefined;
  onLine(line: string): void;
}

export interface ChaosSystem {
  /** The URL of the proxy before the gateway, which clients call. */
  readonly url: string;
  /** Returns an administrator's token that has not expired. */
  token(): Promise<string>;
  /** Proxies by the names of the processes, and the registry's. */
  readonly proxies: ReadonlyMap<string, FaultProxy>;
  /** The exits without a kill by this run, as the system reported them. */
  readonly unexpectedExits: readonly string[];
  /** Kills one process as a power failure does. Returns false when it is not running. */
  kill(name: string): boolean;
  untilReady(millis: number): Promise<void>;
  /** Resolves when all processes have exited, and the source of tokens is closed. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

const STATE = /^(\w+#\d+) +(starting|waiting|ready|ending) +(?:http:\S+ +)?process (\d+)$/;
const EXITED = /^(\w+#\d+) +exited unexpectedly \((.+)\)/;

/** Returns the ports of each service, in the order of its processes. */
function portsOf(ports: readonly number[]): ReadonlyMap<Service, readonly number[]> {
  let next = 0;
  return new Map(
    SERVICES.map((service) => {
      const own = ports.slice(next, next + PROCESS_COUNTS[service]);
      next += own.length;
      return [service, own];
    }),
  );
}

function topologyOf(ports: ReadonlyMap<Service, readonly number[]>, registryPort: number, clocks?: Clocks): string {
  const EUREKA_URL = `http://${PROXIES_HOST}:${registryPort}/eureka`;
  const services = SERVICES.map((service) => {
    const isEntryPoint = service === 'gateway' || service === 'registry';
    const environment = {
      ...(service !== 'registry' && { EUREKA_URL }),
      // The advertised address is that of the proxy.
      ...(!isEntryPoint && { DAYBOOK_ADVERTISED_HOST: PROXIES_HOST }),
      ...clocks?.environmentOf(service),
    };
    return { service, count: PROCESS_COUNTS[service], ports: ports.get(service), environment };
  });
  return JSON.stringify({ services }, undefined, 2);
}

export async function startSystem(options: SystemOptions): Promise<ChaosSystem> {
  const { sources, folder, clocks } = options;
  const ports = portsOf(options.ports);
  const registryPort = options.registryPort ?? ports.get('registry')?.[0] ?? 0;
  const topology = join(folder, 'topology.json');
  await writeFile(topology, topologyOf(ports, registryPort, clocks));
  const proxies = new Map<string, FaultProxy>();
  const addProxy = async (name: string, port: number) => proxies.set(name, await openProxyBefore(port));
  await addProxy('registry', registryPort);
  for (const [service, own] of ports) {
    if (service === 'registry') continue;
    for (const [index, port] of own.entries()) await addProxy(`${service}#${index + 1}`, port);
  }
  const { PATH, HOME, LANG } = process.env;
  const environment = {
    ...{ PATH, HOME, LANG },
    DAYBOOK_TOPOLOGY: topology,
    DAYBOOK_DATA: join(folder, 'data'),
    DAYBOOK_DEMO: 'off',
    DAYBOOK_MYSQL_URL: options.databaseUrl,
    AMQP_URL: options.brokerUrl,
    ...registryUsersVariable,
    LOG_LEVEL: 'warn',
    ...(options.registryPort !== undefined && { EUREKA_URL: `http://${PROXIES_HOST}:${registryPort}/eureka` }),
  };
  const program = join(sources, 'launcher/src/distributed/main.ts');
  const child = spawn(process.execPath, [program], {
    cwd: sources,
    env: environment,
    // The fourth channel closes when this process ends, so the child ends too.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  const url = `http://${PROXIES_HOST}:${ports.get('gateway')?.[0]}`;
  const tokens = createTokenSource({ ...environment, DAYBOOK_MYSQL_URL: options.directDatabaseUrl });
  const token = () => tokens.tokenFor({ role: 'administrator' });
  const system = watch(child, { url, proxies, token, ...options });
  return {
    ...system,
    async end(signal) {
      await tokens[Symbol.asyncDispose]();
      await system.end(signal);
    },
  };
}

type Watched = SystemOptions & Pick<ChaosSystem, 'url' | 'proxies' | 'token'>;

function watch(child: ChildProcess, { url, proxies, token, folder, registryPort, onLine }: Watched): ChaosSystem {
  const expected = SYSTEM_PORTS - (registryPort === undefined ? 0 : 1);
  const processes = new Map<string, { state: string; pid: number }>();
  const killed = new Set<number>();
  const pids = new Set<number>();
  const unexpectedExits: string[] = [];
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  const log = createWriteStream(join(folder, 'system.log'), { flags: 'a' });

  function onOutputLine(line: string): void {
    log.write(`${line}\n`);
    const [, name = '', state = '', pid = ''] = STATE.exec(line) ?? [];
    if (pid !== '') {
      processes.set(name, { state, pid: Number(pid) });
      pids.add(Number(pid));
    }
    const [, exitedName = '', reason = ''] = EXITED.exec(line) ?? [];
    if (exitedName === '') return;
    onLine(line);
    const wasKilled = killed.has(processes.get(exitedName)?.pid ?? 0) && reason === 'SIGKILL';
    if (!wasKilled) unexpectedExits.push(line);
    processes.delete(exitedName);
  }
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', onOutputLine);
  }

  const isReady = () => [...processes.values()].filter(({ state }) => state === 'ready').length === expected;
  const isOver = () => child.exitCode !== null || child.signalCode !== null;

  async function end(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    if (!isOver()) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MILLIS);
    await closed;
    clearTimeout(timer);
    // Processes exit after their parent was killed.
    const remaining = () => [...pids].filter((pid) => isRunning(pid) && isOurs(pid, folder));
    await waitUntil('all processes are gone', GONE_MILLIS, async () => remaining().length === 0).catch(() => {
      for (const pid of remaining()) process.kill(pid, 'SIGKILL');
    });
    for (const proxy of proxies.values()) await proxy.close();
    log.end();
  }

  return {
    url,
    token,
    proxies,
    unexpectedExits,
    kill(name) {
      const running = processes.get(name);
      if (!running) return false;
      killed.add(running.pid);
      process.kill(running.pid, 'SIGKILL');
      return true;
    },
    async untilReady(millis) {
      await waitUntil('every process is ready', millis, async () => {
        if (isOver()) throw new Error(`the system ended: see ${folder}/system.log`);
        return isReady();
      });
    },
    end,
  };
}

/** Returns whether a process has this run's folder in its environment, because ids are reused. */
function isOurs(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`DAYBOOK_DATA=${join(folder, 'data')}`);
  } catch (error) {
    // ENOENT: it has exited. ESRCH: it exited between open and read.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return false;
    throw error;
  }
}
