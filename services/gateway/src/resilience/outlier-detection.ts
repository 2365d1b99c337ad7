/**
 * Ejects failing instances for a while, as a circuit breaker for each. An unreachable instance is ejected immediately,
 * a failing one after several consecutive failures. The first ejection lasts a second, later ones longer. Then one
 * repeatable request probes whether the instance has recovered.
 */
import type { Discovery, Instance } from '@daybook/discovery';
import type { Logger } from '@daybook/service';

/**
 * `unreachable`: the connection was not accepted. `failing`: the connection broke, or the response reported a failure
 * behind the instance.
 */
export type FailureKind = 'unreachable' | 'failing';

export interface OutlierDetectionOptions {
  consecutiveFailures?: number;
  baseEjectionMillis?: number;
  maxEjectionMillis?: number;
  /** Returns monotonic milliseconds. */
  now?: () => number;
}

/** The state of an instance that failed recently. */
interface InstanceRecord {
  readonly serviceId: string;
  failures: number;
  /** The number of ejections without a success in between. */
  ejections: number;
  /** Undefined while the instance is not ejected. */
  ejectedUntil: number | undefined;
  isUnreachable: boolean;
  /** Whether the probing request is in progress. */
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
  /** The instances that failed recently. Usually empty. */
  readonly #records = new Map<string, InstanceRecord>();

  constructor(discovery: Discovery, logger: Pick<Logger, 'warn'>, options: OutlierDetectionOptions = {}) {
    this.#discovery = discovery;
    this.#logger = logger;
    this.#consecutiveFailures = options.consecutiveFailures ?? 3;
    this.#baseEjectionMillis = options.baseEjectionMillis ?? 1_000;
    this.#maxEjectionMillis = options.maxEjectionMillis ?? 30_000;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Returns the instances of a service to avoid while others are available. A repeatable request may probe an instance.
   */
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

  /** Records the start of an attempt. */
  recordAttempt({ instanceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (record?.ejectedUntil !== undefined) record.isProbing = true;
  }

  /** Records a success. */
  recordSuccess({ instanceId, serviceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (!record) return;
    this.#records.delete(instanceId);
    if (record.ejectedUntil !== undefined) this.#logger.warn({ serviceId, instanceId }, 'instance restored');
  }

  /** Records the end of an attempt, possibly without a result. */
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
    // Requests that were pending at the ejection add no information.
    if (isEjected && !record.isProbing) return;
    record.isProbing = false;
    if (!isEjected && !record.isUnreachable && record.failures < this.#consecutiveFailures) return;
    if (!isEjected && !this.#mayEject(record)) return;
    const millis = Math.min(this.#maxEjectionMillis, this.#baseEjectionMillis * 2 ** Math.min(record.ejections, 16));
    record.ejections += 1;
    record.ejectedUntil = this.#now() + millis;
    if (!isEjected) this.#logger.warn({ serviceId, instanceId, failure, millis }, 'instance ejected');
  }

  /** Forgets the instances that are gone. */
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

  /**
   * Returns whether an ejection is allowed. Failing instances are ejected up to half of a service, to avoid overloading
   * the rest.
   */
  #mayEject({ serviceId, isUnreachable }: InstanceRecord): boolean {
    const known = this.#discovery.instancesOf(serviceId).length;
    let out = 0;
    for (const record of this.#records.values()) {
      if (record.serviceId === serviceId && record.ejectedUntil !== undefined) out += 1;
    }
    return out + 1 <= (isUnreachable ? known - 1 : Math.floor(known / 2));
  }
}
