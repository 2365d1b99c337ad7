/** A circuit breaker for every instance. An instance that keeps failing is skipped for a second. */
import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { Instance } from '../discovery.ts';
import type { Log } from '../log.ts';
import { createOutageLog } from '../outage-log.ts';

export interface Breakers {
  /** Returns the instance's breaker and creates it on first use. Breakers of instances not in `known` are dropped. */
  of(instance: Instance, known: readonly Instance[]): CircuitBreakerPolicy;
  /** Returns whether to skip the instance now, because its breaker is open or its one trial is in progress. */
  blocks(instance: Instance): boolean;
}

export interface BreakersOptions {
  logger: Log;
  /** Returns whether a failure is the instance's fault. */
  isFailure: (error: unknown) => boolean;
}

const CONSECUTIVE_FAILURES = 3;
const HALF_OPEN_AFTER_MILLIS = 1_000;
/** A margin for cockatiel's different clock, so that a breaker is never still open at its trial. */
const CLOCK_MARGIN_MILLIS = 20;

interface Entry {
  readonly policy: CircuitBreakerPolicy;
  openedAt: number;
}

export function createBreakers({ logger, isFailure }: BreakersOptions): Breakers {
  const entries = new Map<string, Entry>();

  function create({ instanceId, serviceId }: Instance): Entry {
    const policy = circuitBreaker(handleWhen(isFailure), {
      breaker: new ConsecutiveBreaker(CONSECUTIVE_FAILURES),
      halfOpenAfter: HALF_OPEN_AFTER_MILLIS,
    });
    const entry: Entry = { policy, openedAt: 0 };
    const outage = createOutageLog(
      logger,
      { lost: 'circuit breaker opened', restored: 'circuit breaker closed' },
      { serviceId, instanceId },
    );
    policy.onBreak((failure) => {
      entry.openedAt = performance.now();
      outage.failed('error' in failure && failure.error instanceof Error ? failure.error.message : 'unknown');
    });
    policy.onReset(outage.recovered);
    return entry;
  }

  function retainOnly(known: readonly Instance[]): void {
    const ids = new Set(known.map(({ instanceId }) => instanceId));
    for (const instanceId of entries.keys()) if (!ids.has(instanceId)) entries.delete(instanceId);
  }

  return {
    of(instance, known) {
      const existing = entries.get(instance.instanceId);
      if (existing) return existing.policy;
      retainOnly(known);
      const entry = create(instance);
      entries.set(instance.instanceId, entry);
      return entry.policy;
    },
    blocks({ instanceId }) {
      const entry = entries.get(instanceId);
      if (!entry || entry.policy.state === CircuitState.Closed) return false;
      if (entry.policy.state === CircuitState.HalfOpen) return true;
      return performance.now() - entry.openedAt < HALF_OPEN_AFTER_MILLIS + CLOCK_MARGIN_MILLIS;
    },
  };
}
