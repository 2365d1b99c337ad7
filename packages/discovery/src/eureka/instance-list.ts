/** The local copy of a registry's list: which instances can be called, and whether the copy matches the registry. */
import { createDialRules, type DialRules } from '../dial-rules.ts';
import type { Instance } from '../discovery.ts';
import { type Change, MAX_INSTANCES, type Snapshot } from './eureka-responses.ts';
import { InstanceIndex } from './instance-index.ts';
import type { ListedInstance } from './listed-instance.ts';
import { add, countsIn, hashOf, type StatusCounts } from './status-counts.ts';

interface RetainedInstance {
  readonly instance: Instance;
  readonly until: number;
}

export class InstanceList {
  readonly #listed = new Map<string, ListedInstance>();
  readonly #inUse = new InstanceIndex();
  /** Instances in use that the registry no longer lists. */
  readonly #retained = new Map<string, RetainedInstance>();
  readonly #faults = new Map<string, string>();
  #nameless = 0;
  #counts: StatusCounts = new Map();
  /**
   * What the registry counted beyond the readable entries of its own list. It stays until the next whole list, because
   * otherwise one unreadable instance would make every delta disagree.
   */
  #uncounted: StatusCounts = new Map();
  readonly #dialRules: DialRules;

  constructor(dialRules: DialRules = createDialRules()) {
    this.#dialRules = dialRules;
  }

  instancesOf(serviceId: string): readonly Instance[] {
    return this.#inUse.of(serviceId.toLowerCase());
  }

  /** Replaces the list. With `retainUntil`, missing instances stay in use until then. */
  replace(snapshot: Snapshot, retainUntil?: number): void {
    const present = new Set(snapshot.listed.map(({ key }) => key));
    for (const [key, { instance }] of [...this.#listed]) {
      if (present.has(key)) continue;
      this.#remove(key);
      if (instance && retainUntil !== undefined) this.#retain(key, { instance, until: retainUntil });
    }
    for (const listed of snapshot.listed) this.#put(listed);
    this.#nameless = snapshot.nameless;
    this.#uncounted = countsIn(snapshot.hash ?? hashOf(this.#counts));
    for (const [status, count] of this.#counts) add(this.#uncounted, status, -count);
  }

  apply({ action, listed }: Change): void {
    if (action === 'delete') this.#remove(listed.key);
    else this.#put(listed);
  }

  /** Drops the retained instances whose time has passed. */
  dropExpired(now: number): void {
    for (const [key, { until }] of this.#retained) if (until <= now) this.#remove(key);
  }

  /** Returns whether the registry with this hash has the same number of each status. */
  agreesWith(hash: string): boolean {
    const all = new Map(this.#counts);
    for (const [status, count] of this.#uncounted) add(all, status, count);
    return hashOf(all) === hash;
  }

  /** Returns the number of unreadable instances, and the fault of one of them. */
  unreadable(): { count: number; reason: string } {
    return {
      count: this.#nameless + this.#faults.size,
      reason: this.#faults.values().next().value ?? 'an instance has no usable id',
    };
  }

  #put(read: ListedInstance): void {
    const listed = this.#withoutForbidden(read);
    const { key, status, instance, fault } = listed;
    const old = this.#listed.get(key);
    // Most of a whole list is unchanged. Its services keep the same arrays, so their readers can skip them.
    if (old && isSame(old, listed)) return;
    if (!old && this.#listed.size >= MAX_INSTANCES) return;
    this.#remove(key);
    this.#listed.set(key, listed);
    add(this.#counts, status, 1);
    if (fault !== undefined) this.#faults.set(key, fault);
    if (instance) this.#inUse.add(key, instance);
  }

  /** Leaves out an address that may not be dialed. The instance stays counted, because the registry counts it. */
  #withoutForbidden(listed: ListedInstance): ListedInstance {
    const { instance } = listed;
    if (!instance || this.#dialRules.allows(new URL(instance.url).hostname)) return listed;
    return { ...listed, instance: undefined, fault: 'an instance has an address that may not be dialed' };
  }

  #remove(key: string): void {
    const listed = this.#listed.get(key);
    const instance = listed?.instance ?? this.#retained.get(key)?.instance;
    if (instance) this.#inUse.remove(key, instance);
    if (listed) add(this.#counts, listed.status, -1);
    this.#listed.delete(key);
    this.#faults.delete(key);
    this.#retained.delete(key);
  }

  #retain(key: string, retained: RetainedInstance): void {
    if (this.#retained.size >= MAX_INSTANCES) return;
    this.#retained.set(key, retained);
    this.#inUse.add(key, retained.instance);
  }
}

const isSame = (one: ListedInstance, other: ListedInstance): boolean =>
  one.status === other.status && one.fault === other.fault && isSameInstance(one.instance, other.instance);

function isSameInstance(one: Instance | undefined, other: Instance | undefined): boolean {
  if (!one || !other) return one === other;
  if (one.url !== other.url || one.serviceId !== other.serviceId) return false;
  const names = Object.keys(one.metadata);
  return (
    names.length === Object.keys(other.metadata).length &&
    names.every((name) => Object.hasOwn(other.metadata, name) && one.metadata[name] === other.metadata[name])
  );
}
