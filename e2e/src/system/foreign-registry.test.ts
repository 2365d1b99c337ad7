/** A registry that EUREKA_URL names receives only the passwords that were given for it. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { announceSystem, prepareDataFolder } from '@daybook/launcher/data-folder';
import { completeRegistryUsers, formatRegistryUsers } from '@daybook/service';
import { beginDaybook, type DaybookOptions, temporaryFolder } from '@daybook/testing';
import { expect, it, onTestFinished } from 'vitest';

const DISTRIBUTED = join(import.meta.dirname, '../../../launcher/src/distributed/main.ts');
/** Only our own registry, and services that depend on nothing else. */
const TOPOLOGY = { services: [{ service: 'registry' }, { service: 'patient' }, { service: 'gateway' }] };

interface Seen {
  /** The application of a registration. */
  readonly application: string | undefined;
  readonly authorization: string | undefined;
}

/** Starts a registry that responds and accepts no instance. */
async function startForeignRegistry() {
  const seen: Seen[] = [];
  const server = createServer(({ method, url = '', headers }, response) => {
    const application = method === 'POST' ? /\/apps\/([\w-]+)$/.exec(url)?.[1] : undefined;
    seen.push({ application, authorization: headers.authorization });
    response.writeHead(url === '/health/live' ? 200 : 503).end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the registry has no port');
  return { url: `http://127.0.0.1:${address.port}/eureka`, seen };
}

/** Starts Daybook, and stops it once the registry has seen the expected requests. */
async function startUntil(hasSeen: () => boolean, options: DaybookOptions): Promise<void> {
  const system = beginDaybook(options);
  onTestFinished(async () => void (await system.end('SIGKILL')));
  await expect.poll(hasSeen, { timeout: 25_000 }).toBe(true);
  // Processes of its own end with it, in order.
  await system.end();
}

/** Returns the credentials of all registrations of an application. */
const credentialsOf = (seen: readonly Seen[], application: string) => [
  ...new Set(seen.filter((one) => one.application === application).map(({ authorization }) => authorization)),
];

const made = () => formatRegistryUsers(completeRegistryUsers());

it('everything in one process sends it no password that was made for our own registry', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'registry-users'), made(), { mode: 0o600 });
  const registry = await startForeignRegistry();
  const environment = { EUREKA_URL: registry.url, DAYBOOK_DEMO: 'off' };
  const sent = () => ['PATIENT-SERVICE', 'DOCTOR-SERVICE'].map((name) => credentialsOf(registry.seen, name));
  await startUntil(() => sent().every(({ length }) => length > 0), { data: folder.path, environment });
  expect(sent()).toEqual([[undefined], [undefined]]);
  expect(registry.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
});

it('everything in one process sends it the passwords that were given, each with its service', async () => {
  await using folder = await temporaryFolder();
  const registry = await startForeignRegistry();
  const environment = {
    EUREKA_URL: registry.url,
    DAYBOOK_DEMO: 'off',
    DAYBOOK_REGISTRY_USERS: 'patient-service:given-0123456789ab',
  };
  const sent = () => ['PATIENT-SERVICE', 'DOCTOR-SERVICE'].map((name) => credentialsOf(registry.seen, name));
  await startUntil(() => sent().every(({ length }) => length > 0), { data: folder.path, environment });
  const given = Buffer.from('patient-service:given-0123456789ab').toString('base64');
  expect(sent()).toEqual([[`Basic ${given}`], [undefined]]);
});

it('one service sends it no password of the folder, where the system on the folder uses it', async () => {
  await using folder = await temporaryFolder();
  const registry = await startForeignRegistry();
  await prepareDataFolder(folder.path);
  await writeFile(join(folder.path, 'registry-users'), made(), { mode: 0o600 });
  await announceSystem(folder.path, { pid: process.pid, registryUrl: registry.url, isRegistryOurs: false });
  const sent = () => credentialsOf(registry.seen, 'PATIENT-SERVICE');
  await startUntil(() => sent().length > 0, { data: folder.path, service: 'patient' });
  expect(sent()).toEqual([undefined]);
});

it.each([
  ['the shell names it', (EUREKA_URL: string) => ({ shell: { EUREKA_URL }, topology: TOPOLOGY })],
  [
    'the topology names it for one service',
    (EUREKA_URL: string) => ({
      shell: {},
      topology: {
        services: TOPOLOGY.services.map((entry) => ({
          ...entry,
          ...(entry.service === 'gateway' && { environment: { EUREKA_URL } }),
        })),
      },
    }),
  ],
])('separate processes send it no password that was made, where %s', async (_, settingsOf) => {
  await using folder = await temporaryFolder();
  const registry = await startForeignRegistry();
  const { shell, topology } = settingsOf(registry.url);
  const file = join(folder.path, 'topology.json');
  await writeFile(file, JSON.stringify(topology));
  const environment = {
    ...shell,
    DAYBOOK_TOPOLOGY: file,
    DAYBOOK_DEMO: 'off',
    DAYBOOK_MYSQL_URL: 'mysql://nobody:nothing@127.0.0.1:9',
    AMQP_URL: 'amqp://nobody:nothing@127.0.0.1:9',
  };
  const options = { data: join(folder.path, 'data'), program: DISTRIBUTED, environment };
  await startUntil(() => registry.seen.length > 2, options);
  expect(registry.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
});
