/** Selects the instances for one request. An instance is never selected twice. */
import type { Balancer, Instance, Selection } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import type { FailureKind, OutlierDetection } from '../resilience/outlier-detection.ts';
import type { Route } from '../routes/route.ts';
import type { Upstreams } from '../upstream/upstreams.ts';

const MAX_ATTEMPTS = 3;
export const UNUSABLE = 'address not usable';

export interface InstanceSelectorDependencies {
  readonly logger: Pick<Logger, 'warn'>;
  readonly balancer: Balancer;
  readonly upstreams: Upstreams;
  readonly outlierDetection: OutlierDetection;
}

export class InstanceSelector {
  readonly #dependencies: InstanceSelectorDependencies;
  readonly #route: Route;
  readonly #requestId: string;
  readonly #isRepeatable: boolean;
  #attempted: Set<string> | undefined;
  #lastInstanceId: string | undefined;

  constructor(dependencies: InstanceSelectorDependencies, route: Route, requestId: string, isRepeatable: boolean) {
    this.#dependencies = dependencies;
    this.#route = route;
    this.#requestId = requestId;
    this.#isRepeatable = isRepeatable;
  }

  /** Whether an instance was selected. */
  get hasSelected(): boolean {
    return this.#lastInstanceId !== undefined;
  }

  /**
   * Selects the next instance, whose address may be unusable. Returns undefined when none is left. The caller must
   * release the selection, and report the attempt and its end.
   */
  select(): Selection | undefined {
    const { balancer, outlierDetection } = this.#dependencies;
    const { service } = this.#route;
    // The set is created for the second attempt, because most requests have only one.
    if (this.#lastInstanceId !== undefined) {
      this.#attempted ??= new Set();
      this.#attempted.add(this.#lastInstanceId);
      if (this.#attempted.size >= MAX_ATTEMPTS) return undefined;
    }
    const ejected = outlierDetection.ejectedOf(service, this.#isRepeatable);
    const excluded =
      this.#attempted && ejected.size > 0 ? ejected.union(this.#attempted) : (this.#attempted ?? ejected);
    let selection = balancer.pick(service, excluded);
    // An instance that failed recently is better than none.
    if (!selection && ejected.size > 0) selection = balancer.pick(service, this.#attempted);
    this.#lastInstanceId = selection?.instance.instanceId ?? this.#lastInstanceId;
    return selection;
  }

  /** Selects the next instance with a usable address, and records the attempt. */
  selectUsable(): Selection | undefined {
    for (let selection = this.select(); selection; selection = this.select()) {
      const { instance } = selection;
      if (this.#dependencies.upstreams.isUsable(instance.url)) {
        this.recordAttempt(instance);
        return selection;
      }
      selection.release();
      this.logFailure(instance, UNUSABLE);
    }
    return undefined;
  }

  recordAttempt(instance: Instance): void {
    this.#dependencies.outlierDetection.recordAttempt(instance);
  }

  recordFailure(instance: Instance, reason: string, failure: FailureKind): void {
    this.#dependencies.outlierDetection.recordFailure(instance, failure);
    this.logFailure(instance, reason);
  }

  recordSuccess(instance: Instance): void {
    this.#dependencies.outlierDetection.recordSuccess(instance);
  }

  recordEnd(instance: Instance): void {
    this.#dependencies.outlierDetection.recordEnd(instance);
  }

  logFailure({ instanceId }: Instance, reason: string): void {
    const { id: route } = this.#route;
    this.#dependencies.logger.warn({ route, instanceId, reason, requestId: this.#requestId }, 'attempt failed');
  }
}
