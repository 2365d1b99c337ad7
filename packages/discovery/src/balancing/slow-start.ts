/** Who is new among the instances of a service, and how far it may be asked already. */
import type { Instance } from '../discovery.ts';

/** From a tenth, for an instance that was just seen, to 1. */
export type WarmthOf = (instance: Instance) => number;

export interface SlowStart {
  /** To be called with the instances that are known now. The same array again costs nothing. */
  observe(serviceId: string, known: readonly Instance[]): WarmthOf;
}

/** So much from the first moment: an instance that is asked nothing does not become warm. */
const COLDEST = 0.1;
const WARM: WarmthOf = () => 1;

interface Seen {
  readonly known: readonly Instance[];
  /** When the newest of them is warm. */
  readonly allWarmAt: number;
  /** When each was seen first; those that were there from the beginning have always been. */
  readonly since: ReadonlyMap<string, number>;
}

/** Remembers the services that are asked for and the instances that they have now, no others. */
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
      // As good as always.
      if (allWarmAt === Number.NEGATIVE_INFINITY || now() >= allWarmAt) return WARM;
      return ({ instanceId }) => {
        const age = now() - (since.get(instanceId) ?? Number.NEGATIVE_INFINITY);
        return age >= millis ? 1 : Math.max(COLDEST, age / millis);
      };
    },
  };
}
