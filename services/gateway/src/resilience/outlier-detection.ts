/**
 * Instances that are left alone for a while: the breaker of each. One that nobody can connect to is out at once, one that
 * keeps failing after some failures in a row; out for a second at first, then longer. After that a single request that
 * could be sent again shows whether it is back.
 */
import type { Discovery, Instance } from '@daybook/discovery';
import type { Logger } from '@daybook/service';

/** `unreachable`: nobody listens there. `failing`: it broke off, or answered that something behind it is missing. */
export type FailureKind = 'unreachable' | 'failing';

export interface OutlierDetectionOptions {
  consecutiveFailures?: number;
  baseEjectionMillis?: number;
  maxEjectionMillis?: number;
  /** Milliseconds that only go up. */
  now?: () => number;
}

/** How an instance stands that failed lately. */
interface InstanceRecord {
  readonly serviceId: string;
  failures: number;
  /** How often it was out without working in between. */
  ejections: number;
  /** Undefined while it is in. */
  ejectedUntil: number | undefined;
  isUnreachable: boolean;
  /** Whether the request that shows how it is is under way. */
  isProbing: boolean;
}

const NONE: ReadonlySet<string> = new Set();

export class OutlierDetection {
  readonly #discovery: Discovery;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #consecutiveFailures: number;
  readonly #baseEjectionMillis: number;
  readonly #maxEjectionMillis: number;
  readonly #now: () => number;
  /** Of those that failed lately: in good times there is none. */
  readonly #records = new Map<string, InstanceRecord>();

  constructor(discovery: Discovery, logger: Pick<Logger, 'warn'>, options: OutlierDetectionOptions = {}) {
    this.#discovery = discovery;
    this.#logger = logger;
    this.#consecutiveFailures = options.consecutiveFailures ?? 3;
    this.#baseEjectionMillis = options.baseEjectionMillis ?? 1_000;
    this.#maxEjectionMillis = options.maxEjectionMillis ?? 30_000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Which instances of a service not to ask now, if others can be asked. Whoever may be sent again may try one out. */
  ejectedOf(serviceId: string, mayProbe: boolean): ReadonlySet<string> {
    if (this.#records.size === 0) return NONE;
    const now = this.#now();
    const ejected = new Set<string>();
    for (const [instanceId, record] of this.#records) {
      if (record.serviceId !== serviceId || record.ejectedUntil === undefined) continue;
      if (now < record.ejectedUntil || record.isProbing || !mayProbe) ejected.add(instanceId);
    }
    return ejected;
  }

  /** It is being asked. */
  recordAttempt({ instanceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (record?.ejectedUntil !== undefined) record.isProbing = true;
  }

  /** It answered. */
  recordSuccess({ instanceId, serviceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (!record) return;
    this.#records.delete(instanceId);
    if (record.ejectedUntil !== undefined) this.#logger.warn({ serviceId, instanceId }, 'instance restored');
  }

  /** What it was asked is over; perhaps nobody knows how it would have answered. */
  recordEnd({ instanceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (record) record.isProbing = false;
  }

  recordFailure({ instanceId, serviceId }: Instance, failure: FailureKind): void {
    const record = this.#recordOf(instanceId, serviceId);
    record.failures += 1;
    record.isUnreachable = failure === 'unreachable';
    const isEjected = record.ejectedUntil !== undefined;
    // Requests that were under way when it went out say nothing new.
    if (isEjected && !record.isProbing) return;
    record.isProbing = false;
    if (!isEjected && !record.isUnreachable && record.failures < this.#consecutiveFailures) return;
    if (!isEjected && !this.#mayEject(record)) return;
    const millis = Math.min(this.#maxEjectionMillis, this.#baseEjectionMillis * 2 ** Math.min(record.ejections, 16));
    record.ejections += 1;
    record.ejectedUntil = this.#now() + millis;
    if (!isEjected) this.#logger.warn({ serviceId, instanceId, failure, millis }, 'instance ejected');
  }

  /** Forgets those that are gone. */
  sweep(): void {
    for (const [instanceId, { serviceId }] of this.#records) {
      const known = this.#discovery.instancesOf(serviceId);
      if (!known.some((instance) => instance.instanceId === instanceId)) this.#records.delete(instanceId);
    }
  }

  #recordOf(instanceId: string, serviceId: string): InstanceRecord {
    const existing = this.#records.get(instanceId);
    if (existing) return existing;
    const record: InstanceRecord = {
      serviceId,
      failures: 0,
      ejections: 0,
      ejectedUntil: undefined,
      isUnreachable: false,
      isProbing: false,
    };
    this.#records.set(instanceId, record);
    return record;
  }

  /** The work of those that fail would fall on the others: more than half of a service never goes for that. */
  #mayEject({ serviceId, isUnreachable }: InstanceRecord): boolean {
    const known = this.#discovery.instancesOf(serviceId).length;
    let out = 0;
    for (const record of this.#records.values()) {
      if (record.serviceId === serviceId && record.ejectedUntil !== undefined) out += 1;
    }
    return out + 1 <= (isUnreachable ? known - 1 : Math.floor(known / 2));
  }
}
