/**
 * Ejects failing instances for a while, as a circuit breaker for each. An unreachable instance is ejected immediately,
 * a failing one after several consecutive failures. The first ejection lasts a second, later ones longer. Then one
 * repeatable request probes whether the instance has recovered.
 */
import { CircuitBreaker, type CircuitBreakerOptions } from '@daybook/async';
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
  /** Open while the instance is ejected. Its trial is the probe. */
  readonly breaker: CircuitBreaker;
  isUnreachable: boolean;
}

const NONE: ReadonlySet<string> = new Set();

export class OutlierDetection {
  readonly #discovery: Discovery;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #breakerOptions: CircuitBreakerOptions;
  readonly #now: () => number;
  /** The instances that failed recently. Usually empty. */
  readonly #records = new Map<string, InstanceRecord>();

  constructor(discovery: Discovery, logger: Pick<Logger, 'warn'>, options: OutlierDetectionOptions = {}) {
    this.#discovery = discovery;
    this.#logger = logger;
    const { consecutiveFailures = 3, baseEjectionMillis = 1_000, maxEjectionMillis = 30_000 } = options;
    this.#breakerOptions = {
      consecutiveFailures,
      openFor: { firstMillis: baseEjectionMillis, longestMillis: maxEjectionMillis, leastShare: 1 },
    };
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
      if (record.serviceId !== serviceId || !record.breaker.isOpen) continue;
      if (!mayProbe || !record.breaker.admits(now)) ejected.add(instanceId);
    }
    return ejected;
  }

  /** Records the start of an attempt. */
  recordAttempt({ instanceId }: Instance): void {
    if (this.#records.size === 0) return;
    this.#records.get(instanceId)?.breaker.recordAttempt();
  }

  /** Records a success. */
  recordSuccess({ instanceId, serviceId }: Instance): void {
    if (this.#records.size === 0) return;
    const record = this.#records.get(instanceId);
    if (!record) return;
    this.#records.delete(instanceId);
    if (record.breaker.isOpen) this.#logger.warn({ serviceId, instanceId }, 'instance restored');
  }

  /** Records the end of an attempt, possibly without a result. */
  recordEnd({ instanceId }: Instance): void {
    if (this.#records.size === 0) return;
    this.#records.get(instanceId)?.breaker.recordEnd();
  }

  recordFailure({ instanceId, serviceId }: Instance, failure: FailureKind): void {
    const record = this.#recordOf(instanceId, serviceId);
    record.isUnreachable = failure === 'unreachable';
    const wasEjected = record.breaker.isOpen;
    const millis = record.breaker.recordFailure(this.#now(), {
      isFatal: record.isUnreachable,
      mayOpen: () => this.#mayEject(record),
    });
    if (millis === undefined || wasEjected) return;
    this.#logger.warn({ serviceId, instanceId, failure, millis }, 'instance ejected');
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
    const record = { serviceId, breaker: new CircuitBreaker(this.#breakerOptions), isUnreachable: false };
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
      if (record.serviceId === serviceId && record.breaker.isOpen) out += 1;
    }
    return out + 1 <= (isUnreachable ? known - 1 : Math.floor(known / 2));
  }
}
