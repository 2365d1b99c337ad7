/** `npm run start:distributed`: starts a system of processes from a topology. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  checkConfigurations,
  completeRegistryUsers,
  lineFormatterOf,
  logFormatOf,
  openProcessLog,
  runProcess,
  type Started,
} from '@daybook/service';
import { environment, isDemoWanted, readDistributedConfig, withDemoChoice } from '../config.ts';
import { givenRegistryUsers, withRegistryUrls } from '../registry-users.ts';
import { services } from '../services.ts';
import { checkServers, environmentOf } from './environment.ts';
import { createProcessTable } from './process-table.ts';
import { runSeeder } from './seed.ts';
import { createSupervisor } from './supervisor.ts';
import { readTopology, type Topology } from './topology.ts';

const OWN_TOPOLOGY = new URL('../../topology.json', import.meta.url);

/**
 * Checks the configuration before any start.
 * @throws InvalidConfiguration naming every invalid variable of every process
 */
async function checkAll(topology: Topology): Promise<void> {
  const readers = await Promise.all(
    topology.map(async (entry) => {
      const { readConfig } = await services[entry.service]();
      return () => readConfig(environmentOf(entry, 0, environment));
    }),
  );
  checkConfigurations([readDistributedConfig, () => checkServers(topology, environment), ...readers]);
}

async function start(): Promise<Started> {
  const { DAYBOOK_TOPOLOGY } = environment;
  const file = DAYBOOK_TOPOLOGY ? resolve(DAYBOOK_TOPOLOGY) : fileURLToPath(OWN_TOPOLOGY);
  const topology = await readTopology(file);
  await checkAll(topology);
  const config = readDistributedConfig();
  const { DAYBOOK_REGISTRY_USERS, EUREKA_URL } = config;
  const wantsDemo = isDemoWanted(config, environment);
  const logger = await openProcessLog(config);
  const formatLine = await lineFormatterOf(logFormatOf(config));
  const processTable = createProcessTable(process.stdout, () => supervisor.processes, formatLine);
  const givenUsers = givenRegistryUsers(DAYBOOK_REGISTRY_USERS);
  const supervisor = createSupervisor({
    topology,
    shell: withDemoChoice(withRegistryUrls(environment, EUREKA_URL), wantsDemo),
    ourUsers: completeRegistryUsers(givenUsers),
    givenUsers,
    async seedDemo(signal) {
      if (wantsDemo) await runSeeder(environment, file, (line) => processTable.line('demo', line), signal);
    },
    onChange: (managed) => processTable.update(managed),
    onLine: (managed, line) => processTable.line(managed.name, line),
  });
  const { url, ready } = await supervisor.start();
  return {
    title: 'Daybook',
    url,
    logger,
    ready,
    printReadyLine: processTable.summary,
    close: () => supervisor.close(),
  };
}

await runProcess(start);
