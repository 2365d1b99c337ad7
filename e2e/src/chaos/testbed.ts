/** Starts the system under test: three private servers, the services, the fault proxies, clocks and a disk. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, StartFailure } from '@daybook/service';
import type { FaultProxy } from '@daybook/testing/fault-proxy';
import { type PrivateBroker, privateBrokers } from '@daybook/testing/private-broker';
import { openProxyBefore, PROXIES_HOST, SERVERS_HOST } from './addresses.ts';
import { type Clocks, createClocks, findFaketime } from './clocks.ts';
import { type ChaosConfig, eurekaJar } from './config.ts';
import { createDatabaseServer, type DatabaseServer, type PrivateServer } from './database-server.ts';
import { createEurekaServer } from './eureka-server.ts';
import { declareRecorder } from './event-recorder.ts';
import { CLOCKS } from './plan.ts';
import { freePorts } from './ports.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { type ChaosSystem, FIRST_READY_MILLIS, SYSTEM_PORTS, startSystem } from './system.ts';

/** More than a run writes in addition to the initial files. */
const DISK_MEGABYTES = 256;
const DISK_MEGABYTES_A_SECOND = 0.1;

export interface Testbed extends AsyncDisposable {
  readonly broker: PrivateBroker;
  readonly database: DatabaseServer;
  /** Only with an external registry. */
  readonly eureka: PrivateServer | undefined;
  readonly system: ChaosSystem;
  readonly proxies: ReadonlyMap<string, FaultProxy>;
  readonly clocks: Clocks | undefined;
  readonly disk: SmallDisk | undefined;
}

export interface TestbedOptions extends ChaosConfig {
  readonly sources: string;
  readonly folder: string;
  /** Mutants are detected without these. */
  readonly withClocksAndDisk: boolean;
  print(line: string): void;
}

function skip({ required, print }: TestbedOptions, what: string, reason: string): undefined {
  if (required.includes(what)) throw new StartFailure(EXIT.unavailable, `${what} are required: ${reason}`);
  print(`SKIPPED: ${what}. ${reason}`);
}

async function tryDisk(options: TestbedOptions): Promise<SmallDisk | undefined> {
  if (process.getuid?.() !== 0) {
    return skip(options, 'disks', 'Full disks take root, who may mount a small one.');
  }
  const megabytes = Math.ceil(DISK_MEGABYTES + DISK_MEGABYTES_A_SECOND * options.seconds);
  try {
    return await mountSmallDisk(join(options.folder, 'disk'), megabytes);
  } catch (error) {
    const [reason] = String(error).split('\n');
    return skip(options, 'disks', `A small one cannot be mounted here (${reason}).`);
  }
}

async function tryClocks(options: TestbedOptions): Promise<Clocks | undefined> {
  const library = findFaketime();
  if (library !== undefined) return createClocks(library, options.folder, CLOCKS);
  return skip(options, 'clocks', 'Clocks that jump take libfaketime: apt-get install faketime.');
}

async function startBroker(): Promise<PrivateBroker> {
  const [node] = await privateBrokers();
  if (!node) throw new Error('there is no RabbitMQ to start');
  const broker = await node.create();
  await declareRecorder(broker.url);
  return broker;
}

function viaProxy(url: string): string {
  const through = new URL(url);
  through.hostname = PROXIES_HOST;
  return through.href;
}

const portOf = (url: string): number => Number(new URL(url).port);

export async function startTestbed(options: TestbedOptions): Promise<Testbed> {
  const { folder, databaseProgram, registry, withClocksAndDisk, print } = options;
  await using stack = new AsyncDisposableStack();
  await mkdir(folder, { recursive: true });
  const [databasePort = 0, eurekaPort = 0, ...ports] = await freePorts(SYSTEM_PORTS + 2);
  const disk = withClocksAndDisk ? await tryDisk(options) : undefined;
  if (disk) stack.defer(() => disk.unmount());
  const clocks = withClocksAndDisk ? await tryClocks(options) : undefined;
  const dataFolder = join(disk?.path ?? folder, 'database');
  const creating = createDatabaseServer({ program: databaseProgram, folder, dataFolder, port: databasePort });
  const [database, broker] = await Promise.all([
    creating.then(async (server) => {
      stack.defer(() => server.kill());
      await server.start();
      return server;
    }),
    startBroker().then((started) => stack.use(started)),
  ]);
  print(`database: ${database.version}`);
  const eureka = registry === 'java' ? createEurekaServer(eurekaJar(), folder, eurekaPort) : undefined;
  if (eureka) stack.defer(() => eureka.kill());
  await eureka?.start();
  const databaseProxy = await openProxyBefore(databasePort);
  stack.defer(() => databaseProxy.close());
  const brokerProxy = await openProxyBefore(portOf(broker.url));
  stack.defer(() => brokerProxy.close());
  const system = await startSystem({
    ...{ sources: options.sources, folder, ports, clocks },
    databaseUrl: database.urlAt(PROXIES_HOST),
    directDatabaseUrl: database.urlAt(SERVERS_HOST),
    brokerUrl: viaProxy(broker.url),
    ...(eureka && { registryPort: eurekaPort }),
    onLine: print,
  });
  stack.defer(() => system.end());
  await system.untilReady(FIRST_READY_MILLIS);
  const proxies = new Map([...system.proxies, ['database', databaseProxy], ['broker', brokerProxy]]);
  const owned = stack.move();
  return {
    ...{ broker, database, eureka, system, proxies, clocks, disk },
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      if (disk) await rm(disk.path, { recursive: true, force: true });
    },
  };
}
