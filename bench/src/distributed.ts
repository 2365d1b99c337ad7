/** Measures the start time and the memory of the system as separate processes (`npm run start:distributed`). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaybook, temporaryFolder } from '@daybook/testing';
import { type DistributedServers, distributedServers } from '@daybook/testing/distributed-servers';
import { median } from './load.ts';
import { cpuSeconds, familyOf, memoryOfAll } from './processes.ts';

/** As in `package.json`. */
const FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=20'];
const LAUNCHER = join(import.meta.dirname, '../../launcher');
const STARTS = 3;
const READY_MILLIS = 120_000;
const REST_MILLIS = 10_000;

type Line = (name: string, value: string) => void;

/** Writes the repository's topology, with a free port for the registry, and returns its path. */
async function topologyIn(folder: string): Promise<string> {
  const { services }: { services: { service: string; ports?: number[] }[] } = JSON.parse(
    await readFile(join(LAUNCHER, 'topology.json'), 'utf8'),
  );
  const file = join(folder, 'topology.json');
  const anywhere = services.map(({ ports, ...entry }) => ({ ...entry, ...(ports && { ports: ports.map(() => 0) }) }));
  await writeFile(file, JSON.stringify({ services: anywhere }));
  return file;
}

const start = async (folder: string, servers: DistributedServers) =>
  startDaybook({
    data: join(folder, 'data'),
    program: join(LAUNCHER, 'src/distributed/main.ts'),
    nodeFlags: FLAGS,
    readyWithinMillis: READY_MILLIS,
    environment: { ...servers.environment, DAYBOOK_TOPOLOGY: await topologyIn(folder), DAYBOOK_DEMO: 'on' },
  });

async function reportMemory(pid: number, line: Line): Promise<void> {
  await sleep(REST_MILLIS);
  const pids = familyOf(pid);
  const { resident, proportional } = memoryOfAll(pids);
  line(
    `memory at rest, ${pids.length} processes`,
    `${resident.toFixed(0)} MB resident, ${proportional.toFixed(0)} MB when what they share is counted once`,
  );
}

/** Reports the time until every process is ready. The first start creates the tables and the demo clinic. */
export async function reportDistributed(line: Line): Promise<void> {
  const make = await distributedServers();
  if (!make) return;
  await using folder = await temporaryFolder();
  await using servers = await make();
  const seconds: number[] = [];
  let busySeconds = 0;
  for (let n = 0; n <= STARTS; n += 1) {
    const system = await start(folder.path, servers);
    try {
      if (n === 0) line('separate processes: first start, databases empty', `${system.secondsToReady.toFixed(2)} s`);
      else seconds.push(system.secondsToReady);
      busySeconds = familyOf(system.pid).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
      if (n === STARTS) await reportMemory(system.pid, line);
    } finally {
      await system.end();
    }
  }
  line(
    `separate processes: start, median of ${STARTS}`,
    `${median(seconds).toFixed(2)} s until all are ready, ${busySeconds.toFixed(1)} s of CPU`,
  );
}

if (import.meta.main) await reportDistributed((name, value) => console.log(`${name.padEnd(58)}${value}`));
