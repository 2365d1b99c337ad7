import type { Discovery, Instance } from '../discovery.ts';
import { nearest, sumsOfWeights, weightOf } from './preferences.ts';
import { createSlowStart } from './slow-start.ts';

/** An instance selected for one request. The request counts as in flight until it is released. */
export interface Selection {
  readonly instance: Instance;
  /** Must be called when the request has ended, with any outcome. Further calls have no effect. */
  release(): void;
}

export interface Balancer {
  /** Picks the less busy of two random instances. Returns undefined when none is known or all are excluded. */
  pick(serviceId: string, exclude?: ReadonlySet<string>): Selection | undefined;
}

export interface BalancerOptions {
  /** The zone of this process. Instances with the same `zone` in their metadata are preferred. */
  zone?: string | undefined;
  /** How long a new instance gets a reduced share, because its caches are cold and its code is not compiled. */
  slowStartMillis?: number;
  /** Returns monotonic milliseconds. */
  now?: () => number;
  /** Returns a number from 0 up to, but not including, 1. */
  random?: () => number;
}

/** Caches a result by its list, which is the same array until it changes. */
function rememberByArray<Result>(compute: (items: readonly Instance[]) => Result) {
  const known = new WeakMap<readonly Instance[], { readonly result: Result }>();
  return (items: readonly Instance[]): Result => {
    const found = known.get(items);
    if (found) return found.result;
    const result = compute(items);
    known.set(items, { result });
    return result;
  };
}

/**
 * Selects instances by the power of two choices. It balances nearly as well as comparing all loads, but avoids the herd
 * that a single least-loaded instance attracts. The share of an instance follows its `weight` (metadata, 1 to 100).
 * Only instances with requests in flight are remembered, so departed ones are forgotten.
 */
export function createBalancer(
  discovery: Discovery,
  { zone, slowStartMillis = 10_000, now = () => performance.now(), random = Math.random }: BalancerOptions = {},
): Balancer {
  const inFlight = new Map<string, number>();
  const slowStart = createSlowStart(slowStartMillis, now);
  const loadOf = (instance: Instance): number => inFlight.get(instance.instanceId) ?? 0;

  const nearOf = rememberByArray((items: readonly Instance[]) => nearest(items, zone));
  const sumsOf = rememberByArray(sumsOfWeights);
  const isFreer = (one: Instance, other: Instance, byWeight: boolean): boolean =>
    byWeight ? loadOf(one) * weightOf(other) < loadOf(other) * weightOf(one) : loadOf(one) < loadOf(other);

  function select(instance: Instance): Selection {
    const { instanceId } = instance;
    inFlight.set(instanceId, loadOf(instance) + 1);
    let released = false;
    return {
      instance,
      release() {
        if (released) return;
        released = true;
        const remaining = loadOf(instance) - 1;
        if (remaining > 0) inFlight.set(instanceId, remaining);
        else inFlight.delete(instanceId);
      },
    };
  }

  /** Draws an index with a probability in proportion to its weight. */
  function indexByWeight(sums: readonly number[]): number {
    const drawn = random() * (sums.at(-1) ?? 0);
    return sums.findIndex((sum) => drawn < sum);
  }

  /** Draws two different instances, or fewer if there are fewer. */
  function twoOf(
    items: readonly Instance[],
    sums: readonly number[] | undefined,
  ): readonly [Instance | undefined, Instance | undefined] {
    if (items.length < 2) return [items[0], undefined];
    const first = sums ? indexByWeight(sums) : Math.floor(random() * items.length);
    const drawn = sums ? indexByWeight(sums) : first;
    const step = 1 + Math.floor(random() * (items.length - 1));
    return [items[first], items[drawn === first ? (first + step) % items.length : drawn]];
  }

  return {
    pick(serviceId, exclude) {
      const known = discovery.instancesOf(serviceId);
      const warmthOf = slowStart.observe(serviceId, known);
      const candidates = nearOf(exclude?.size ? known.filter(({ instanceId }) => !exclude.has(instanceId)) : known);
      const sums = sumsOf(candidates);
      const [one, other] = twoOf(candidates, sums);
      if (!one) return undefined;
      if (!other) return select(one);
      const [first, second] = isFreer(other, one, sums !== undefined) ? [other, one] : [one, other];
      // A new instance is idle and would always win. It yields to the other, more often the newer it is.
      const yields = warmthOf(first) < warmthOf(second) && random() >= warmthOf(first) / warmthOf(second);
      return select(yields ? second : first);
    },
  };
}
