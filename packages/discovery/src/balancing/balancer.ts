import type { Discovery, Instance } from '../discovery.ts';
import { nearest, sumsOfWeights, weightOf } from './preferences.ts';
import { createSlowStart } from './slow-start.ts';

/** An instance that was chosen for one request. Counts as in flight until it is released. */
export interface Selection {
  readonly instance: Instance;
  /** To be called when the request has ended, however it ended. Once more does no harm. */
  release(): void;
}

export interface Balancer {
  /** The less busy of two instances taken by chance; undefined when none is known or all are excluded. */
  pick(serviceId: string, exclude?: ReadonlySet<string>): Selection | undefined;
}

export interface BalancerOptions {
  /** Where this process is: instances that say the same (`zone` in their metadata) are asked first. */
  zone?: string | undefined;
  /** So long a new instance is spared a part of its share: its caches are cold, and its code is not compiled yet. */
  slowStartMillis?: number;
  /** Monotonic, in milliseconds. */
  now?: () => number;
  /** From 0 to less than 1. */
  random?: () => number;
}

/** What is known of a list, which is the same array until it changes. */
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
 * Power of two choices: nearly as even as asking all for their load, without the herd that a single least-loaded
 * instance draws. An instance gets a share by its `weight` (metadata, 1 to 100). Only instances with requests in flight are
 * remembered, so those that left are forgotten.
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

  /** By chance, as likely as it has weight. */
  function indexByWeight(sums: readonly number[]): number {
    const drawn = random() * (sums.at(-1) ?? 0);
    return sums.findIndex((sum) => drawn < sum);
  }

  /** Two different ones by chance; fewer when there are fewer. */
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
      // A new instance is idle and would win every time: it yields, the more often the newer it is than the other.
      const yields = warmthOf(first) < warmthOf(second) && random() >= warmthOf(first) / warmthOf(second);
      return select(yields ? second : first);
    },
  };
}
