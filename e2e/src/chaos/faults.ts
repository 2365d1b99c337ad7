/** Injects planned faults into the system and reverts them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '@daybook/testing/fault-proxy';
import { type CLOCKS, describeFault, type NetworkFault, type PlannedFault, type ServerOutage } from './plan.ts';
import type { Testbed } from './testbed.ts';

const DELAY_MILLIS = 400;

export interface Faults {
  /** Resolves when all faults were injected and reverted. */
  inject(planned: readonly PlannedFault[]): Promise<void>;
  /** The number of injections by kind. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Creates the injector. A fault that is impossible at its moment is printed and not counted. */
export function createFaults(testbed: Testbed, print: (line: string) => void, signal?: AbortSignal): Faults {
  // After an abort, no process may be started again.
  const wait = (millis: number) => sleep(millis, undefined, signal && { signal });
  const counts = new Map<string, number>();
  /** The last fault of each target, because two simultaneous ones would revert each other. */
  const pending = new Map<string, Promise<void>>();

  async function stopServer({ kind, target }: ServerOutage, millis: number): Promise<boolean> {
    if (target === 'registry' && !testbed.eureka) return testbed.system.kill('registry#1');
    const { broker } = testbed;
    const brokerServer = {
      kill: () => broker.stop('killed'),
      stop: () => broker.stop('in order'),
      start: () => broker.start(),
    };
    const server = { broker: brokerServer, database: testbed.database, registry: testbed.eureka }[target];
    await (kind === 'server-killed' ? server?.kill() : server?.stop());
    await wait(millis);
    await server?.start();
    return true;
  }

  async function disturb(proxy: FaultProxy, kind: NetworkFault['kind'], millis: number): Promise<boolean> {
    if (kind === 'disconnect') proxy.cut();
    else if (kind === 'corrupt') proxy.corrupt();
    else if (kind === 'delay') proxy.delay(DELAY_MILLIS);
    else if (kind === 'drop-responses') proxy.dropResponses();
    else await proxy.refuse();
    await wait(millis);
    await proxy.heal();
    return true;
  }

  async function jump(target: (typeof CLOCKS)[number], seconds: number, millis: number): Promise<boolean> {
    if (!testbed.clocks) return false;
    await testbed.clocks.set(target, seconds);
    await wait(millis);
    await testbed.clocks.set(target, 0);
    return true;
  }

  async function fillDisk(millis: number): Promise<boolean> {
    if (!testbed.disk) return false;
    await testbed.disk.fill();
    await wait(millis);
    await testbed.disk.free();
    // A server that cannot run without disk space may have exited.
    await testbed.database.start();
    return true;
  }

  async function perform(fault: PlannedFault): Promise<boolean> {
    switch (fault.kind) {
      case 'kill':
        return testbed.system.kill(fault.target);
      case 'server-killed':
      case 'server-restarted':
        return stopServer(fault, fault.durationMillis);
      case 'clock-jump':
        return jump(fault.target, fault.seconds, fault.durationMillis);
      case 'disk-full':
        return fillDisk(fault.durationMillis);
      default: {
        const proxy = testbed.proxies.get(fault.target);
        return proxy !== undefined && disturb(proxy, fault.kind, fault.durationMillis);
      }
    }
  }

  async function injectOne(fault: PlannedFault): Promise<void> {
    print(`  ${describeFault(fault)}`);
    if (await perform(fault)) counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
    else print(`  passed over, not there now: ${describeFault(fault)}`);
  }

  async function injectInOrder(fault: PlannedFault): Promise<void> {
    await wait(fault.at);
    const target = fault.kind === 'clock-jump' ? `clock of ${fault.target}` : fault.target;
    const injection = (pending.get(target) ?? Promise.resolve()).then(() => injectOne(fault));
    pending.set(target, injection);
    await injection;
  }

  return {
    counts,
    async inject(planned) {
      await Promise.all(planned.map(injectInOrder));
    },
  };
}
