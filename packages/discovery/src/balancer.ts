import type { Discovery, Instance } from './discovery.ts';
import { createSlowStart } from './slow-start.ts';

/** An instance that was chosen for one request. Counts as in flight until it is released. */
export interface Lease {
  readonly instance: Instance;
  /** To be called when the request has ended, however it ended. Once more does no harm. */
  release(): void;
}

export interface Balancer {
  /** The less busy of two instances taken by chance; undefined when none is known or all are excluded. */
  pick(serviceId: string, exclude?: ReadonlySet<string>): Lease | undefined;
}

export interface BalancerOptions {
  /** So long a new instance is spared a part of its share: its caches are cold, and its code is not compiled yet. */
  slowStartMillis?: number;
  /** Monotonic, in milliseconds. */
  now?: () => number;
  /** From 0 to less than 1. */
  random?: () => number;
}

/**
 * Power of two choices: nearly as even as asking all for their load, without the herd that a single least-loaded
 * instance draws. Only instances with requests in flight are remembered, so those that left are forgotten.
 */
export function createBalancer(
  discovery: Discovery,
  { slowStartMillis = 10_000, now = () => performance.now(), random = Math.random }: BalancerOptions = {},
): Balancer {
  const inFlight = new Map<string, number>();
  const slowStart = createSlowStart(slowStartMillis, now);
  const loadOf = (instance: Instance): number => inFlight.get(instance.instanceId) ?? 0;

  function lease(instance: Instance): Lease {
    const { instanceId } = instance;
    inFlight.set(instanceId, loadOf(instance) + 1);
    let released = false;
    return {
      instance,
      release() {
        if (released) return;
        released = true;
        const left = loadOf(instance) - 1;
        if (left > 0) inFlight.set(instanceId, left);
        else inFlight.delete(instanceId);
      },
    };
  }

  /** Two different ones by chance; fewer when there are fewer. */
  function twoOf(items: readonly Instance[]): readonly [Instance | undefined, Instance | undefined] {
    if (items.length < 2) return [items[0], undefined];
    const first = Math.floor(random() * items.length);
    const step = 1 + Math.floor(random() * (items.length - 1));
    return [items[first], items[(first + step) % items.length]];
  }

  return {
    pick(serviceId, exclude) {
      const known = discovery.instancesOf(serviceId);
      const warmthOf = slowStart.look(serviceId, known);
      const candidates = exclude?.size ? known.filter(({ instanceId }) => !exclude.has(instanceId)) : known;
      const [one, other] = twoOf(candidates);
      if (!one) return undefined;
      if (!other) return lease(one);
      const [first, second] = loadOf(other) < loadOf(one) ? [other, one] : [one, other];
      // A new instance is idle and would win every time: it yields, the more often the newer it is than the other.
      const yields = warmthOf(first) < warmthOf(second) && random() >= warmthOf(first) / warmthOf(second);
      return lease(yields ? second : first);
    },
  };
}
