/** Tracks new instances of each service, and how much of their share they may get. */
import type { Instance } from '../discovery.ts';

/** Returns the warmth of an instance: a tenth when it is new, 1 when it is warm. */
export type WarmthOf = (instance: Instance) => number;

export interface SlowStart {
  /** Must be called with the currently known instances. The same array again costs nothing. */
  observe(serviceId: string, known: readonly Instance[]): WarmthOf;
}

/** The share of a brand-new instance. It is not 0, because an instance without requests does not become warm. */
const COLDEST = 0.1;
const WARM: WarmthOf = () => 1;

interface Seen {
  readonly known: readonly Instance[];
  /** When the newest of them is warm. */
  readonly allWarmAt: number;
  /** When each instance was first seen. Instances of the first list count as old. */
  readonly since: ReadonlyMap<string, number>;
}

/** Remembers only requested services and their current instances. */
export function createSlowStart(millis: number, now: () => number): SlowStart {
  const services = new Map<string, Seen>();

  function update(known: readonly Instance[], before: Seen | undefined): Seen {
    const first = before ? now() : Number.NEGATIVE_INFINITY;
    const since = new Map(known.map(({ instanceId: id }) => [id, before?.since.get(id) ?? first]));
    return { known, allWarmAt: Math.max(...since.values()) + millis, since };
  }

  return {
    observe(serviceId, known) {
      let seen = services.get(serviceId);
      if (seen?.known !== known) {
        seen = update(known, seen);
        services.set(serviceId, seen);
      }
      const { since, allWarmAt } = seen;
      // All instances are warm.
      if (allWarmAt === Number.NEGATIVE_INFINITY || now() >= allWarmAt) return WARM;
      return ({ instanceId }) => {
        const age = now() - (since.get(instanceId) ?? Number.NEGATIVE_INFINITY);
        return age >= millis ? 1 : Math.max(COLDEST, age / millis);
      };
    },
  };
}
