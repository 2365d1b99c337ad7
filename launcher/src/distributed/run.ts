/** `npm run start:distributed`: from the topology to a running system of processes. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  checkConfigurations,
  completeRegistryUsers,
  openProcessLog,
  prettyLine,
  runProcess,
  type Started,
} from '@daybook/service';
import { environment, readDistributedConfig } from '../config.ts';
import { givenRegistryUsers, namingRegistry } from '../registry-users.ts';
import { services } from '../services.ts';
import { createBoard } from './board.ts';
import { checkServers, environmentOf } from './environment.ts';
import { runFiller } from './fill.ts';
import { createSystem } from './system.ts';
import { readTopology, type Topology } from './topology.ts';

const OWN_TOPOLOGY = new URL('../../topology.json', import.meta.url);

/** Before anything is started. @throws WrongConfiguration naming every wrong variable of every process */
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
  const { LOG_LEVEL, DAYBOOK_DEMO, DAYBOOK_REGISTRY_USERS, EUREKA_URL } = readDistributedConfig();
  const logger = openProcessLog(LOG_LEVEL);
  const board = createBoard(process.stdout, () => system.members, prettyLine);
  const givenUsers = givenRegistryUsers(DAYBOOK_REGISTRY_USERS);
  const system = createSystem({
    topology,
    shell: namingRegistry(environment, EUREKA_URL),
    ourUsers: completeRegistryUsers(givenUsers),
    givenUsers,
    async fillDemo(signal) {
      if (DAYBOOK_DEMO === 'on') await runFiller(environment, file, (line) => board.line('demo', line), signal);
    },
    onChange: (member) => board.changed(member),
    onLine: (member, line) => board.line(member.name, line),
  });
  const { url, ready } = await system.start();
  return { title: 'Daybook', url, logger, ready, say: board.say, close: () => system.close() };
}

await runProcess(start);
