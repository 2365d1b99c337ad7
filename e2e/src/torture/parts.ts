/** Everything that is tortured: three servers of our own, the system on them, the wires between, clocks and a disk. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, StartFailure } from '@daybook/service';
import { type PrivateBroker, privateBrokers } from '@daybook/testing/private-broker';
import { type Clocks, createClocks, findFaketime } from './clocks.ts';
import { eurekaJar, type TortureConfig } from './config.ts';
import { createDatabaseServer, type DatabaseServer, type PrivateServer } from './database-server.ts';
import { createEurekaServer } from './eureka-server.ts';
import { CLOCKS } from './plan.ts';
import { freePorts } from './ports.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { FIRST_READY_MILLIS, SYSTEM_PORTS, startSystem, type TorturedSystem } from './system.ts';
import { startWire, WIRES_HOST, type Wire } from './wire.ts';
import { declareWitness } from './witness.ts';

/** What a run writes in a second, at most, beside what it begins with. */
const DISK_MEGABYTES = 256;
const DISK_MEGABYTES_A_SECOND = 0.1;

export interface Parts extends AsyncDisposable {
  readonly broker: PrivateBroker;
  readonly database: DatabaseServer;
  /** Only where the registry is not the system's own. */
  readonly eureka: PrivateServer | undefined;
  readonly system: TorturedSystem;
  readonly wires: ReadonlyMap<string, Wire>;
  readonly clocks: Clocks | undefined;
  readonly disk: SmallDisk | undefined;
}

export interface PartsOptions extends TortureConfig {
  readonly sources: string;
  readonly folder: string;
  /** Mutants are caught without. */
  readonly withClocksAndDisk: boolean;
  say(line: string): void;
}

function leaveOut({ required, say }: PartsOptions, what: string, why: string): undefined {
  if (required.includes(what)) throw new StartFailure(EXIT.unavailable, `${what} are required: ${why}`);
  say(`LEFT OUT: ${what}. ${why}`);
}

async function tryDisk(options: PartsOptions): Promise<SmallDisk | undefined> {
  if (process.getuid?.() !== 0) {
    return leaveOut(options, 'disks', 'Full disks take root, who may mount a small one.');
  }
  const megabytes = Math.ceil(DISK_MEGABYTES + DISK_MEGABYTES_A_SECOND * options.seconds);
  try {
    return await mountSmallDisk(join(options.folder, 'disk'), megabytes);
  } catch (error) {
    const [because] = String(error).split('\n');
    return leaveOut(options, 'disks', `A small one cannot be mounted here (${because}).`);
  }
}

async function tryClocks(options: PartsOptions): Promise<Clocks | undefined> {
  const library = findFaketime();
  if (library !== undefined) return createClocks(library, options.folder, CLOCKS);
  return leaveOut(options, 'clocks', 'Clocks that jump take libfaketime: apt-get install faketime.');
}

async function startBroker(): Promise<PrivateBroker> {
  const [node] = await privateBrokers();
  if (!node) throw new Error('there is no RabbitMQ to start');
  const broker = await node.create();
  await declareWitness(broker.url);
  return broker;
}

function throughWire(url: string): string {
  const through = new URL(url);
  through.hostname = WIRES_HOST;
  return through.href;
}

const portOf = (url: string): number => Number(new URL(url).port);

export async function startParts(options: PartsOptions): Promise<Parts> {
  const { folder, databaseProgram, registry, withClocksAndDisk, say } = options;
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
  say(`database: ${database.version}`);
  const eureka = registry === 'java' ? createEurekaServer(eurekaJar(), folder, eurekaPort) : undefined;
  if (eureka) stack.defer(() => eureka.kill());
  await eureka?.start();
  const databaseWire = await startWire('database', databasePort);
  stack.defer(() => databaseWire.close());
  const brokerWire = await startWire('broker', portOf(broker.url));
  stack.defer(() => brokerWire.close());
  const system = await startSystem({
    ...{ sources: options.sources, folder, ports, clocks },
    databaseUrl: database.urlAt(WIRES_HOST),
    brokerUrl: throughWire(broker.url),
    ...(eureka && { registryPort: eurekaPort }),
    onLine: say,
  });
  stack.defer(() => system.end());
  await system.untilReady(FIRST_READY_MILLIS);
  const wires = new Map([...system.wires, ['database', databaseWire], ['broker', brokerWire]]);
  const owned = stack.move();
  return {
    ...{ broker, database, eureka, system, wires, clocks, disk },
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      if (disk) await rm(disk.path, { recursive: true, force: true });
    },
  };
}
