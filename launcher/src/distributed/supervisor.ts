/** Runs all processes of the topology: their order of start and stop, and the readiness of the system. */
import { fileURLToPath } from 'node:url';
import { type Environment, EXIT, isGiven, type RegistryUsers, StartFailure } from '@daybook/service';
import { withRegistryAccess } from '../registry-users.ts';
import { environmentOf } from './environment.ts';
import { ManagedProcess } from './managed-process.ts';
import type { Entry, Topology } from './topology.ts';

/** Failures that a restart cannot fix, so they end the start. */
const FATAL_EXIT_CODES: readonly (number | undefined)[] = [EXIT.usage, EXIT.unavailable, EXIT.configuration];

export interface SupervisorOptions {
  readonly topology: Topology;
  /** The environment of the shell. */
  readonly shell: Environment;
  /** The users of our own registry, of which each process receives its own. */
  readonly ourUsers: RegistryUsers;
  /** The users of a registry that the shell or the topology names. */
  readonly givenUsers: RegistryUsers;
  /** Called before the services start, when the registry and the gateway run. */
  seedDemo(signal: AbortSignal): Promise<void>;
  onChange(managed: ManagedProcess): void;
  onLine(managed: ManagedProcess, line: string): void;
}

export interface Supervisor {
  readonly processes: readonly ManagedProcess[];
  /**
   * Starts all processes. Resolves with the gateway's URL.
   * @throws StartFailure when a process can never start
   */
  start(): Promise<{ readonly url: string; readonly ready: Promise<void> }>;
  /** Stops all processes, from the last of the topology to the first. */
  close(): Promise<void>;
}

interface Group {
  readonly entry: Entry;
  readonly processes: readonly ManagedProcess[];
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { topology, shell, ourUsers, givenUsers, seedDemo, onChange, onLine } = options;
  const namesRegistry = isGiven(shell, 'EUREKA_URL');
  const entries = topology.filter(({ service }) => !(service === 'registry' && namesRegistry));
  const closing = new AbortController();
  const allReady = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  // Every waiting caller receives this rejection through a race, so it is not unhandled.
  failed.promise.catch(() => undefined);
  let registryUrl: string | undefined;
  let wasReady = false;

  const groups: Group[] = entries.map((entry) => ({
    entry,
    processes: Array.from({ length: entry.count }, (_, index) => createProcess(entry, index)),
  }));
  const processes = groups.flatMap((group) => group.processes);

  function createProcess(entry: Entry, index: number): ManagedProcess {
    return new ManagedProcess({
      name: `${entry.service}#${index + 1}`,
      program: fileURLToPath(import.meta.resolve(`@daybook/${entry.service}-service`)),
      port: entry.ports?.[index] ?? 0,
      environmentAt(port) {
        const environment = environmentOf(entry, port, shell, registryUrl);
        const isRegistryOurs = entry.service === 'registry' || environment.EUREKA_URL === registryUrl;
        return { ...withRegistryAccess(entry.service, environment, isRegistryOurs ? ourUsers : givenUsers) };
      },
      onChange(managed) {
        onChange(managed);
        checkProgress(managed);
      },
      onLine,
    });
  }

  function checkProgress(managed: ManagedProcess): void {
    if (wasReady) return;
    if (processes.every(({ state }) => state.status === 'ready')) {
      wasReady = true;
      allReady.resolve();
    }
    if (managed.state.status !== 'crashed' || !FATAL_EXIT_CODES.includes(managed.state.startExitCode)) return;
    const reason = managed.lastErrorLine || `it ended with ${managed.state.reason}`;
    failed.reject(
      new StartFailure(managed.state.startExitCode ?? EXIT.software, `${managed.name} cannot start. ${reason}`),
    );
  }

  const of = (service: Entry['service']) => groups.find(({ entry }) => entry.service === service)?.processes ?? [];
  const startAll = (some: readonly ManagedProcess[]) => {
    for (const managed of some) if (!closing.signal.aborted) managed.start();
  };

  async function startRemaining(): Promise<void> {
    await seedDemo(closing.signal);
    const started = [...of('registry'), ...of('gateway')];
    startAll(processes.filter((managed) => !started.includes(managed)));
    await Promise.race([allReady.promise, failed.promise]);
  }

  async function close(): Promise<void> {
    closing.abort();
    for (const { processes: group } of groups.toReversed()) await Promise.all(group.map((managed) => managed.close()));
  }

  /** Closes all started processes before the failure is reported. */
  async function closeOnFailure<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      await close();
      throw error;
    }
  }

  async function startFirst(): Promise<string> {
    const [registry] = of('registry');
    if (registry) {
      registry.start();
      registryUrl = `${(await Promise.race([registry.listening, failed.promise])).url}/eureka`;
    }
    startAll(of('gateway'));
    const [gateway] = of('gateway');
    if (!gateway) throw new Error('a topology without a gateway');
    return (await Promise.race([gateway.listening, failed.promise])).url;
  }

  return {
    processes,
    async start() {
      const url = await closeOnFailure(startFirst());
      return { url, ready: closeOnFailure(startRemaining()) };
    },
    close,
  };
}
