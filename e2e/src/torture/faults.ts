/** Does what is planned to the parts, and takes it back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Parts } from './parts.ts';
import { type CLOCKS, describeFault, type PlannedFault, type ServerAway, type WireFault } from './plan.ts';
import type { Wire } from './wire.ts';

export interface Faults {
  /** Resolves when all of it is done, and taken back. */
  happen(planned: readonly PlannedFault[]): Promise<void>;
  /** How often each kind happened. */
  readonly counts: ReadonlyMap<string, number>;
}

/** What cannot be done at its moment is said, and not counted. */
export function createFaults(parts: Parts, say: (line: string) => void, signal?: AbortSignal): Faults {
  // Ended early, nobody is to start anything again.
  const wait = (millis: number) => sleep(millis, undefined, signal && { signal });
  const counts = new Map<string, number>();
  /** Of each part the last that was begun there: two at once would take each other back. */
  const begun = new Map<string, Promise<void>>();

  async function serverAway({ kind, target }: ServerAway, millis: number): Promise<boolean> {
    if (target === 'registry' && !parts.eureka) return parts.system.kill('registry#1');
    const { broker } = parts;
    const brokerServer = {
      kill: () => broker.stop('killed'),
      stop: () => broker.stop('in order'),
      start: () => broker.start(),
    };
    const server = { broker: brokerServer, database: parts.database, registry: parts.eureka }[target];
    await (kind === 'server-killed' ? server?.kill() : server?.stop());
    await wait(millis);
    await server?.start();
    return true;
  }

  async function disturb(wire: Wire, kind: WireFault['kind'], millis: number): Promise<boolean> {
    if (kind === 'cut') wire.cut();
    else if (kind === 'garble') wire.garble();
    else if (kind === 'delay') wire.delay();
    else if (kind === 'lose-answers') wire.loseAnswers();
    else await wire.away();
    await wait(millis);
    await wire.heal();
    return true;
  }

  async function jump(target: (typeof CLOCKS)[number], seconds: number, millis: number): Promise<boolean> {
    if (!parts.clocks) return false;
    await parts.clocks.set(target, seconds);
    await wait(millis);
    await parts.clocks.set(target, 0);
    return true;
  }

  async function fill(millis: number): Promise<boolean> {
    if (!parts.disk) return false;
    await parts.disk.fill();
    await wait(millis);
    await parts.disk.free();
    // One that could not live without space ended by itself.
    await parts.database.start();
    return true;
  }

  async function perform(fault: PlannedFault): Promise<boolean> {
    switch (fault.kind) {
      case 'kill':
        return parts.system.kill(fault.target);
      case 'server-killed':
      case 'server-restarted':
        return serverAway(fault, fault.lasts);
      case 'clock-jump':
        return jump(fault.target, fault.seconds, fault.lasts);
      case 'disk-full':
        return fill(fault.lasts);
      default: {
        const wire = parts.wires.get(fault.target);
        return wire !== undefined && disturb(wire, fault.kind, fault.lasts);
      }
    }
  }

  async function one(fault: PlannedFault): Promise<void> {
    say(`  ${describeFault(fault)}`);
    if (await perform(fault)) counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
    else say(`  passed over, not there now: ${describeFault(fault)}`);
  }

  async function inItsTurn(fault: PlannedFault): Promise<void> {
    await wait(fault.at);
    const part = fault.kind === 'clock-jump' ? `clock of ${fault.target}` : fault.target;
    const turn = (begun.get(part) ?? Promise.resolve()).then(() => one(fault));
    begun.set(part, turn);
    await turn;
  }

  return {
    counts,
    async happen(planned) {
      await Promise.all(planned.map(inItsTurn));
    },
  };
}
