/**
 * Instances that are left alone for a while: the breaker of each. One that nobody can connect to is out at once, one that
 * keeps failing after some failures in a row; out for a second at first, then longer. After that a single request that
 * could be sent again shows whether it is back.
 */
import type { Discovery, Instance } from '@daybook/discovery';
import type { Logger } from '@daybook/service';

/** `unreachable`: nobody listens there. `failing`: it broke off, or answered that something behind it is missing. */
export type Failure = 'unreachable' | 'failing';

export interface EjectionsOptions {
  failuresInARow?: number;
  firstMillis?: number;
  longestMillis?: number;
  /** Milliseconds that only go up. */
  now?: () => number;
}

/** How an instance stands that failed lately. */
interface Standing {
  readonly serviceId: string;
  failures: number;
  /** How often it was out without working in between. */
  times: number;
  /** Undefined while it is in. */
  outUntil: number | undefined;
  isUnreachable: boolean;
  /** Whether the request that shows how it is is under way. */
  isOnTrial: boolean;
}

const NOTHING: ReadonlySet<string> = new Set();

export class Ejections {
  readonly #discovery: Discovery;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #failuresInARow: number;
  readonly #firstMillis: number;
  readonly #longestMillis: number;
  readonly #now: () => number;
  /** Of those that failed lately: in good times there is none. */
  readonly #records = new Map<string, Standing>();

  constructor(discovery: Discovery, logger: Pick<Logger, 'warn'>, options: EjectionsOptions = {}) {
    this.#discovery = discovery;
    this.#logger = logger;
    this.#failuresInARow = options.failuresInARow ?? 3;
    this.#firstMillis = options.firstMillis ?? 1_000;
    this.#longestMillis = options.longestMillis ?? 30_000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Which instances of a service not to ask now, if others can be asked. Whoever may be sent again may try one out. */
  outOf(serviceId: string, mayTryOut: boolean): ReadonlySet<string> {
    if (this.#records.size === 0) return NOTHING;
    const now = this.#now();
    const out = new Set<string>();
    for (const [instanceId, record] of this.#records) {
      if (record.serviceId !== serviceId || record.outUntil === undefined) continue;
      if (now < record.outUntil || record.isOnTrial || !mayTryOut) out.add(instanceId);
    }
    return out;
  }

  /** It is being asked. */
  asked({ instanceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (record?.outUntil !== undefined) record.isOnTrial = true;
  }

  /** It answered. */
  worked({ instanceId, serviceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (!record) return;
    this.#records.delete(instanceId);
    if (record.outUntil !== undefined) this.#logger.warn({ serviceId, instanceId }, 'an instance is back');
  }

  /** What it was asked is over; perhaps nobody knows how it would have answered. */
  over({ instanceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (record) record.isOnTrial = false;
  }

  failed({ instanceId, serviceId }: Instance, failure: Failure): void {
    const record = this.#recordOf(instanceId, serviceId);
    record.failures += 1;
    record.isUnreachable = failure === 'unreachable';
    const isOut = record.outUntil !== undefined;
    // Requests that were under way when it went out say nothing new.
    if (isOut && !record.isOnTrial) return;
    record.isOnTrial = false;
    if (!isOut && !record.isUnreachable && record.failures < this.#failuresInARow) return;
    if (!isOut && !this.#mayGo(record)) return;
    const millis = Math.min(this.#longestMillis, this.#firstMillis * 2 ** Math.min(record.times, 16));
    record.times += 1;
    record.outUntil = this.#now() + millis;
    if (!isOut) this.#logger.warn({ serviceId, instanceId, failure, millis }, 'an instance is left alone');
  }

  /** Forgets those that are gone. */
  sweep(): void {
    for (const [instanceId, { serviceId }] of this.#records) {
      const known = this.#discovery.instancesOf(serviceId);
      if (!known.some((instance) => instance.instanceId === instanceId)) this.#records.delete(instanceId);
    }
  }

  #recordOf(instanceId: string, serviceId: string): Standing {
    const existing = this.#records.get(instanceId);
    if (existing) return existing;
    const record: Standing = {
      serviceId,
      failures: 0,
      times: 0,
      outUntil: undefined,
      isUnreachable: false,
      isOnTrial: false,
    };
    this.#records.set(instanceId, record);
    return record;
  }

  /** The work of those that fail would fall on the others: more than half of a service never goes for that. */
  #mayGo({ serviceId, isUnreachable }: Standing): boolean {
    const known = this.#discovery.instancesOf(serviceId).length;
    let out = 0;
    for (const record of this.#records.values()) {
      if (record.serviceId === serviceId && record.outUntil !== undefined) out += 1;
    }
    return out + 1 <= (isUnreachable ? known - 1 : Math.floor(known / 2));
  }
}
