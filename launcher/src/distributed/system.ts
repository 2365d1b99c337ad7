/** All processes of the topology: in which order they begin and end, and when the whole of them is ready. */
import { fileURLToPath } from 'node:url';
import { type Environment, EXIT, isGiven, type RegistryUsers, StartFailure } from '@daybook/service';
import { withRegistryAccess } from '../registry-users.ts';
import { environmentOf } from './environment.ts';
import { Member } from './member.ts';
import type { Entry, Topology } from './topology.ts';

/** Failures that somebody who starts the system has to hear of: to start again does not mend them. */
const FOR_A_PERSON: readonly (number | undefined)[] = [EXIT.usage, EXIT.unavailable, EXIT.configuration];

export interface SystemOptions {
  readonly topology: Topology;
  /** The environment of the shell. */
  readonly shell: Environment;
  /** Of our own registry: each process gets its own. */
  readonly ourUsers: RegistryUsers;
  /** Of a registry that the shell or the topology names. */
  readonly givenUsers: RegistryUsers;
  /** Called before the services start; the registry and the gateway are there. */
  fillDemo(signal: AbortSignal): Promise<void>;
  onChange(member: Member): void;
  onLine(member: Member, line: string): void;
}

export interface DistributedSystem {
  readonly members: readonly Member[];
  /** Starts everything, and resolves with the gateway's URL. @throws StartFailure when something can never be */
  start(): Promise<{ readonly url: string; readonly ready: Promise<void> }>;
  /** Ends everything, from the last of the topology to the first. */
  close(): Promise<void>;
}

interface Group {
  readonly entry: Entry;
  readonly members: readonly Member[];
}

export function createSystem(options: SystemOptions): DistributedSystem {
  const { topology, shell, ourUsers, givenUsers, fillDemo, onChange, onLine } = options;
  const namesRegistry = isGiven(shell, 'EUREKA_URL');
  const entries = topology.filter(({ service }) => !(service === 'registry' && namesRegistry));
  const closing = new AbortController();
  const allReady = Promise.withResolvers<void>();
  const hopeless = Promise.withResolvers<never>();
  // Whoever waits for something hears of it.
  hopeless.promise.catch(() => undefined);
  let registryUrl: string | undefined;
  let wasReady = false;

  const groups: Group[] = entries.map((entry) => ({
    entry,
    members: Array.from({ length: entry.count }, (_, index) => memberOf(entry, index)),
  }));
  const members = groups.flatMap((group) => group.members);

  function memberOf(entry: Entry, index: number): Member {
    return new Member({
      name: `${entry.service}#${index + 1}`,
      program: fileURLToPath(import.meta.resolve(`@daybook/${entry.service}-service`)),
      port: entry.ports?.[index] ?? 0,
      environmentAt(port) {
        const environment = environmentOf(entry, port, shell, registryUrl);
        const isRegistryOurs = entry.service === 'registry' || environment.EUREKA_URL === registryUrl;
        return { ...withRegistryAccess(entry.service, environment, isRegistryOurs ? ourUsers : givenUsers) };
      },
      onChange(member) {
        onChange(member);
        look(member);
      },
      onLine,
    });
  }

  function look(member: Member): void {
    if (wasReady) return;
    if (members.every(({ state }) => state.is === 'ready')) {
      wasReady = true;
      allReady.resolve();
    }
    if (member.state.is !== 'dead' || !FOR_A_PERSON.includes(member.state.failure)) return;
    const why = member.lastComplaint || `it ended with ${member.state.because}`;
    hopeless.reject(new StartFailure(member.state.failure ?? EXIT.software, `${member.name} cannot start. ${why}`));
  }

  const of = (service: Entry['service']) => groups.find(({ entry }) => entry.service === service)?.members ?? [];
  const startAll = (some: readonly Member[]) => {
    for (const member of some) if (!closing.signal.aborted) member.start();
  };

  async function startOthers(): Promise<void> {
    await fillDemo(closing.signal);
    const begun = [...of('registry'), ...of('gateway')];
    startAll(members.filter((member) => !begun.includes(member)));
    await Promise.race([allReady.promise, hopeless.promise]);
  }

  async function close(): Promise<void> {
    closing.abort();
    for (const { members: ofOne } of groups.toReversed()) await Promise.all(ofOne.map((member) => member.close()));
  }

  /** What did start ends before it is told that the whole cannot be. */
  async function orClose<Result>(work: Promise<Result>): Promise<Result> {
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
      registryUrl = `${(await Promise.race([registry.listening, hopeless.promise])).url}/eureka`;
    }
    startAll(of('gateway'));
    const [gateway] = of('gateway');
    if (!gateway) throw new Error('a topology without a gateway');
    return (await Promise.race([gateway.listening, hopeless.promise])).url;
  }

  return {
    members,
    async start() {
      const url = await orClose(startFirst());
      return { url, ready: orClose(startOthers()) };
    },
    close,
  };
}
